"""The development issuer: Clerk-shaped session tokens, signed by a local key.

It has a key only while DEBUG is on and no Clerk is configured; a system check keeps a production
server with one from starting.
"""

import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings
from django.utils.translation import gettext_noop

from accounts.clerk.issuer import issuer
from accounts.clerk.tokens import LEEWAY, SESSION_CATEGORY


class DevelopmentIssuerOff(Exception):
    """The development issuer works only with DEBUG on and without a Clerk instance configured."""


class NameUnusable(Exception):
    """A name needs at least one letter or digit."""

    sentence = gettext_noop("A name needs at least one letter or digit.")


def issue_token(
    *, name: str, now: datetime, minutes: float = 1, claims: dict[str, Any] | None = None
) -> str:
    """Return a session token for `name`, valid for `minutes` from `now`.

    Unless `claims` say otherwise (None drops one), the person bears the name and their account is
    as old as the first token that is used. Raises `DevelopmentIssuerOff` or `NameUnusable`.
    """
    if not (settings.DEBUG and settings.DEVELOPMENT_ISSUER_KEY):
        raise DevelopmentIssuerOff
    payload = {**_session_claims(clerk_id_of(name), now, minutes), "first_name": name}
    payload |= {"account_created_at": int(now.timestamp()), **(claims or {})}
    return jwt.encode(
        {claim: value for claim, value in payload.items() if value is not None},
        settings.DEVELOPMENT_ISSUER_KEY,
        algorithm="RS256",
        headers={"kid": "development", "cat": SESSION_CATEGORY},
    )


def clerk_id_of(name: str) -> str:
    """Return the id that the development issuer gives to a name: `user_` and its slug."""
    plain = unicodedata.normalize("NFKC", name).lower()
    slug = re.sub(r"[\W_]+", "_", plain).strip("_")
    if not slug:
        raise NameUnusable
    return f"user_{slug}"


def _session_claims(clerk_id: str, now: datetime, minutes: float) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "azp": settings.CLERK_AUTHORIZED_PARTIES[0],
        "exp": issued + round(minutes * 60),
        "fva": [0, -1],
        "iat": issued,
        "iss": issuer(),
        "jti": uuid.uuid4().hex,
        "nbf": issued - 2 * LEEWAY,
        "sid": f"sess_{clerk_id}",
        "sts": "active",
        "sub": clerk_id,
        "v": 2,
    }
