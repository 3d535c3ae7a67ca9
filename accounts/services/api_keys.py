"""Make, recognise and revoke the keys of other back ends."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import ApiKey, Scope

PREFIX = "mimi_"
PREFIX_LENGTH = len(PREFIX) + 6
LENGTH_LIMIT = 200
NAME_LENGTH = 100
USE_IS_NOTED_EVERY = timedelta(hours=1)


class ApiKeyInvalid(Exception):
    """The API key is unknown or has been revoked."""


class ScopeUnknown(Exception):
    """There is no such scope."""


class KeyNameUnusable(Exception):
    """A key needs a name of 1 to 100 characters."""


def create_api_key(*, name: str, scopes: Iterable[str], now: datetime) -> tuple[ApiKey, str]:
    """Make a key; return its row and the key itself, which cannot be had again.

    A key has 256 random bits, so a plain SHA-256 keeps it as well as a slow hash would. Raises
    `ScopeUnknown`, for no scope at all too, or `KeyNameUnusable`.
    """
    if not 1 <= len(name.strip()) <= NAME_LENGTH or "\x00" in name:
        raise KeyNameUnusable
    wanted = list(dict.fromkeys(scopes))
    if not wanted or not set(wanted) <= set(Scope.values):
        raise ScopeUnknown(f"Scopes are {', '.join(Scope.values)}; at least one is needed.")
    key = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        name=name.strip(),
        prefix=key[:PREFIX_LENGTH],
        key_hash=_hash(key),
        scopes=wanted,
        created_at=now,
    )
    return row, key


def authenticate_api_key(*, key: str, now: datetime) -> ApiKey:
    """Return the key's row, and note its use, at most once an hour. Raises `ApiKeyInvalid`."""
    if not key or len(key) > LENGTH_LIMIT or not key.isascii():
        raise ApiKeyInvalid
    row = ApiKey.objects.filter(key_hash=_hash(key), revoked_at=None).first()
    if row is None:
        raise ApiKeyInvalid
    noted_before = now - USE_IS_NOTED_EVERY
    if row.last_used_at is None or row.last_used_at <= noted_before:
        due = Q(last_used_at=None) | Q(last_used_at__lte=noted_before)
        ApiKey.objects.filter(due, pk=row.pk).update(last_used_at=now)
    return row


def revoke_api_key(*, api_key: ApiKey, now: datetime) -> bool:
    """Refuse a key from now on; return False if it was revoked before."""
    return bool(ApiKey.objects.filter(pk=api_key.pk, revoked_at=None).update(revoked_at=now))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
