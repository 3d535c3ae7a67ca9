"""How what is kept names who acted, and in which language.

It is written in English, whatever the language of who acts; it is told in any.
"""

from functools import partial

from django.utils.translation import gettext_lazy, override

in_english = partial(override, "en")
"""A context for what goes into the database: the admin's log, and texts of our own making."""

STAFF = "staff:"
"""How the actor of what staff did begins, on timelines and the ledger; the username follows."""

ACTORS = {
    "": gettext_lazy("the system"),
    "system": gettext_lazy("the system"),
    "import": gettext_lazy("the import"),
    "staff": gettext_lazy("%(name)s (staff)"),
    "key": gettext_lazy("%(name)s (service)"),
    "service": gettext_lazy("%(name)s (service)"),
    "user": gettext_lazy("user %(user)s"),
}


def is_by_staff(actor: str) -> bool:
    """Say whether what an actor did was the deed of a member of staff."""
    return actor.startswith(STAFF)


def actor_told(actor: str) -> str:
    """Return who acted, in the reader's language; one of an unknown kind as it is kept."""
    kind, _colon, name = actor.partition(":")
    return str(ACTORS[kind]) % {"name": name, "user": name} if kind in ACTORS else actor
