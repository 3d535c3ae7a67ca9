"""Clerk's user object, as its webhooks and its Backend API give it, as a typed value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from accounts.clerk import values


class ProfileUnusable(Exception):
    """Clerk's user object lacks what makes it usable."""


@dataclass(frozen=True, slots=True)
class ClerkProfile:
    """A person as Clerk knew them at `updated_at`."""

    clerk_id: str
    updated_at: datetime
    account_created_at: datetime | None
    email: str
    email_verified: bool
    first_name: str
    last_name: str
    image_url: str
    banned: bool


def profile_of(user: Any) -> ClerkProfile:
    """Return the profile of a user object, any part of which may be null.

    Without `updated_at` its `created_at` stands in, the least that it can be. Raises
    `ProfileUnusable` if it has no id, or no time to order it by.
    """
    if not isinstance(user, dict):
        raise ProfileUnusable(gettext_noop("The user is not an object."))
    clerk_id = values.identifier(user.get("id"))
    created_at = values.time_in_milliseconds(user.get("created_at"))
    updated_at = values.time_in_milliseconds(user.get("updated_at")) or created_at
    if clerk_id is None:
        raise ProfileUnusable(gettext_noop("The user has no id."))
    if updated_at is None:
        raise ProfileUnusable(gettext_noop("The user has no time of its last change."))
    email, email_verified = _primary_email(user)
    return ClerkProfile(
        clerk_id=clerk_id,
        updated_at=updated_at,
        account_created_at=created_at,
        email=email,
        email_verified=email_verified,
        first_name=values.name(user.get("first_name")),
        last_name=values.name(user.get("last_name")),
        image_url=values.url(user.get("image_url")),
        banned=user.get("banned") is True,
    )


def _primary_email(user: dict[str, Any]) -> tuple[str, bool]:
    """Return the primary address, found by its id, not by its place, and whether it is verified."""
    primary_id = user.get("primary_email_address_id")
    entries = user.get("email_addresses")
    if not isinstance(primary_id, str) or not isinstance(entries, Iterable):
        return "", False
    for entry in entries:
        if isinstance(entry, dict) and entry.get("id") == primary_id:
            email = values.email(entry.get("email_address"))
            return email, bool(email) and _is_verified(entry.get("verification"))
    return "", False


def _is_verified(verification: Any) -> bool:
    return isinstance(verification, dict) and verification.get("status") == "verified"
