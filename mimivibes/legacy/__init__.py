"""The replaced system: what of it is brought over, and what of it is kept to be read.

An app of its own, for it has an end: once nobody asks for the old rows any more, it is taken out of
`INSTALLED_APPS`, and of the rest of the project only a link on a person's page goes with it.
"""
