"""What is kept is written in English, whatever the language of who acts; it is told in any."""

from functools import partial

from django.utils.translation import override

in_english = partial(override, "en")
"""A context for what goes into the database: the admin's log, and texts of our own making."""
