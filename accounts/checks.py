"""System checks: what is set must be usable, in development as in production."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from accounts.clerk.deliveries import secret_of
from accounts.clerk.issuer import issuer_of
from accounts.clerk.keys import public_key


@register()
def clerk_settings(**kwargs: Any) -> list[CheckMessage]:
    """Name each of Clerk's settings that cannot be read; never quote it, it may be a secret."""
    return list(_faults())


def _faults() -> Iterator[CheckMessage]:
    if settings.CLERK_JWT_KEY:
        yield from _fault(
            "E001", "CLERK_JWT_KEY is not a public key", public_key, settings.CLERK_JWT_KEY
        )
    if settings.CLERK_PUBLISHABLE_KEY:
        yield from _fault(
            "E002",
            "CLERK_PUBLISHABLE_KEY names no issuer",
            issuer_of,
            settings.CLERK_PUBLISHABLE_KEY,
        )
    for place, secret in enumerate(settings.CLERK_WEBHOOK_SECRETS, start=1):
        yield from _fault(
            "E003", f"CLERK_WEBHOOK_SECRET, number {place}, is no signing secret", secret_of, secret
        )


def _fault(
    number: str, message: str, read: Callable[[str], object], value: str
) -> Iterator[CheckMessage]:
    try:
        read(value)
    except ValueError as error:
        yield Error(f"{message}: {error}.", id=f"accounts.{number}")
