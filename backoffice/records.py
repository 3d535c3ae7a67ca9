"""How what is kept names who acted, and in which language.

It is written in English, whatever the language of who acts; it is told in any.
"""

from functools import partial

from django.utils.translation import override

in_english = partial(override, "en")
"""A context for what goes into the database: the admin's log, and texts of our own making."""

STAFF = "staff:"
"""How the actor of what staff did begins, on timelines and the ledger; the username follows."""


def is_by_staff(actor: str) -> bool:
    return actor.startswith(STAFF)
