"""Attempts to sign in are counted before the password is looked at, in the database.

So the limit holds for guesses that come at once, and for every process and machine. Attempts count
by name and address, and by address alone: who locks themself out locks nobody out who tries the
same name from somewhere else. Neither is stored: a row is a keyed hash, whose salt changes at
midnight (UTC) and is then forgotten.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from backoffice.models import SignInAttempts

WINDOW = timedelta(minutes=15)
MOST_FOR_A_NAME = 5
MOST_FROM_AN_ADDRESS = 30
"""A whole office may come from one address."""
KEPT = timedelta(days=1)

COUNT = """
INSERT INTO backoffice_signinattempts AS attempts (key, count, since) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN attempts.since <= %(over)s THEN 1 ELSE attempts.count + 1 END,
    since = CASE WHEN attempts.since <= %(over)s THEN %(now)s ELSE attempts.since END
RETURNING count, since
"""


class LockedOut(Exception):
    """There were too many attempts."""

    def __init__(self, until: datetime) -> None:
        super().__init__(self.__doc__)
        self.until = until


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, counted as failed until it is known to have succeeded."""

    name_key: str
    address_key: str

    def succeeded(self, *, now: datetime) -> None:
        """Forget what was tried by this name from here, and whatever is long over."""
        SignInAttempts.objects.filter(key=self.name_key).delete()
        own = SignInAttempts.objects.filter(key=self.address_key, count__gt=0)
        own.update(count=F("count") - 1)
        SignInAttempts.objects.filter(since__lt=now - KEPT).delete()


def begin_attempt(*, username: str, address: str, now: datetime) -> Attempt:
    """Count an attempt to sign in as `username`, whether there is such a name or not.

    Raises `LockedOut` if there were too many; then no password may be looked at. An address that is
    locked out adds no rows for the names that it goes on to try.
    """
    network = import_string(settings.BACKOFFICE_NETWORK_OF)(address)
    attempt = Attempt(
        name_key=_hashed(f"{username.casefold()}\n{network}", now),
        address_key=_hashed(network, now),
    )
    _count(attempt.address_key, MOST_FROM_AN_ADDRESS, now)
    _count(attempt.name_key, MOST_FOR_A_NAME, now)
    return attempt


def _count(key: str, most: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "now": now, "over": now - WINDOW})
        count, since = cursor.fetchone()
    if count > most:
        raise LockedOut(since + WINDOW)


def _hashed(text: str, now: datetime) -> str:
    salt = f"backoffice.sign_in.{import_string(settings.BACKOFFICE_SALT_OF)(now.date())}"
    return salted_hmac(salt, text, algorithm="sha256").hexdigest()
