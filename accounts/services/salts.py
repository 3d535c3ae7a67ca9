"""Salts that change every day (UTC) and are deleted when nothing needs them any more.

They are random and stand in the database alone, so a hash can be compared with others of its day
for as long as the salt is there; afterwards no key can tell what it was made of.
"""

import secrets
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from accounts.models import HashSalt

LOOKED_BACK = timedelta(hours=2)
"""How long after midnight yesterday's salt may be asked for: rules look back an hour."""
REMEMBERED = 2

_remembered: dict[date, str] = {}


def salt_of(day: date) -> str:
    """Return the salt of a day, made if it is the first to ask; no query once a process knows it.

    Of any number of processes that are the first at once, one makes it, and all get that one.
    """
    if day in _remembered:
        return _remembered[day]
    with connection.cursor() as cursor:
        cursor.execute(_SALT, [day, secrets.token_hex(32)])
        salt: str = cursor.fetchone()[0]
    if not connection.in_atomic_block:  # else it may yet be rolled back, and another be made
        _remember(day, salt)
    return salt


def salts_of_the_past(now: datetime) -> QuerySet[HashSalt]:
    """Return the salts that nothing asks for any more."""
    return HashSalt.objects.filter(day__lt=(now - LOOKED_BACK).date())


def forget_salts() -> None:
    """Let this process ask the database anew."""
    _remembered.clear()


def _remember(day: date, salt: str) -> None:
    _remembered[day] = salt
    for older in sorted(_remembered)[:-REMEMBERED]:
        _remembered.pop(older, None)


# The update changes nothing: it waits for whoever inserts the same day, and returns their row.
_SALT = """
INSERT INTO accounts_hashsalt (day, value) VALUES (%s, %s)
ON CONFLICT (day) DO UPDATE SET day = excluded.day RETURNING value
"""
