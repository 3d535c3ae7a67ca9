"""Whose tokens we accept: Clerk's address for this instance, from the settings."""

import base64
import binascii
import re
from functools import lru_cache

from django.conf import settings

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?")


def issuer() -> str:
    """Return the `iss` that every token must bear; empty, so that none passes, if none is set."""
    if settings.CLERK_ISSUER:
        return str(settings.CLERK_ISSUER).rstrip("/")
    if settings.CLERK_PUBLISHABLE_KEY:
        return issuer_of(settings.CLERK_PUBLISHABLE_KEY)
    return ""


@lru_cache(maxsize=8)
def issuer_of(publishable_key: str) -> str:
    """Return the issuer that a publishable key names: base64 of its host and a closing `$`.

    Raises `ValueError` if it names none.
    """
    kind, _, encoded = publishable_key.rpartition("_")
    if kind not in {"pk_test", "pk_live"}:
        raise ValueError("it does not begin with pk_test_ or pk_live_")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("the part after pk_test_ or pk_live_ is not base64") from error
    host = decoded.removesuffix("$")
    if host == decoded or not HOST.fullmatch(host):
        raise ValueError("it does not hold a host name")
    return f"https://{host}"


def jwks_url() -> str:
    """Return where Clerk publishes its keys."""
    if settings.CLERK_JWKS_URL:
        return str(settings.CLERK_JWKS_URL)
    return f"{issuer()}/.well-known/jwks.json" if issuer() else ""
