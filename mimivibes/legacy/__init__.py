"""The replaced system: what of it is brought over, and what of it is kept to be read.

An app of its own, for it has an end: once nobody asks for the old rows any more, it is taken out of
`INSTALLED_APPS`. Of the rest of the project a link on a person's page, two sections of their data
(`personal_data/sections.py`) and lines of the table of retention go with it.
"""
