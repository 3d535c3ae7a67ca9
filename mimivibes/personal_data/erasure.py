"""Erase one person, and tell what went and what stays."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import Erased, erase_user
from mimivibes.personal_data.export import holdings


class NobodyKnown(Exception):
    """Nobody here has this Clerk id."""


def erase_person(
    *, clerk_id: str, now: datetime, never_seen: bool = False, is_rehearsal: bool = False
) -> dict[str, Any]:
    """Erase a person in one transaction; return the outcome, the rows that went, those that stay.

    The outcome is `erased`, `gone` for whoever was erased before, or `kept_out` for somebody who
    was never here, of whom only a tombstone is left: so that a typing error leaves none, that must
    be asked for by `never_seen`; else it raises `NobodyKnown`. A rehearsal does all of it and takes
    it back: what it tells is what would be done.
    """
    with transaction.atomic():
        known = User.objects.filter(clerk_id=clerk_id).first()
        if known is None and not never_seen:
            raise NobodyKnown(
                f"Nobody here has the Clerk id {clerk_id}. Check it. To keep out somebody who was"
                " never seen here, add --never-seen."
            )
        report = _report(erase_user(clerk_id=clerk_id, now=now), known, clerk_id)
        transaction.set_rollback(is_rehearsal)
    return report


def _report(result: object, known: User | None, clerk_id: str) -> dict[str, Any]:
    report: dict[str, Any] = {"clerk_id": clerk_id}
    if not isinstance(result, Erased):
        deleted = User.objects.get(clerk_id=clerk_id).deleted_at
        return {**report, "outcome": "gone", "since": deleted.isoformat() if deleted else None}
    report |= {"outcome": "erased" if known else "kept_out", **result.rows}
    return report | {f"{name}_kept": rows for name, rows in holdings(result.user).items()}
