"""Forget an erased person, and keep what the ledger and the inviter's figures stand on."""

from datetime import datetime
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import (
    BrowserSession,
    Capture,
    ClosedReason,
    Decision,
    QualifyingEvent,
    UserDevice,
)
from referrals.services.attributions import reject_held_of


def erase_referral_data(*, user: User, now: datetime) -> dict[str, int]:
    """Drop what the person opened, where from and what services said of them; decide what is held.

    Returns how many rows it did what to. The caller holds the lock on the user's row.
    """
    visits = BrowserSession.objects.filter(adopted_by=user)
    opened = (
        Capture.objects.filter(browser_session__in=visits, user=None),
        Capture.objects.filter(user=user),
    )
    told = QualifyingEvent.objects.filter(user=user)
    judged = Decision.objects.filter(referee=user)
    why = gettext_noop("The referee's account was deleted.")
    return {
        "captures_cleared": sum(_clear(captures, now) for captures in opened),
        "browser_sessions_removed": _remove(visits),
        "devices_removed": _remove(UserDevice.objects.filter(user=user)),
        "events_cleared": told.exclude(data={}).update(data={}),
        "addresses_of_decisions_cleared": judged.exclude(address_hash="").update(address_hash=""),
        # All that these say is what the person typed in place of a code.
        "claims_of_unknown_codes_removed": _remove(judged.filter(referrer=None, attribution=None)),
        "held_attributions_rejected": reject_held_of(user=user, reason=why, now=now),
    }


def _clear(captures: QuerySet[Capture], now: datetime) -> int:
    """Keep that a code was opened, and when; close it, and forget in which browser and where."""
    erased = Case(
        When(closed_at=None, then=Value(ClosedReason.ERASED.value)), default=F("closed_reason")
    )
    return captures.update(
        browser_session=None,
        landing_url="",
        utm={},
        closed_at=Coalesce("closed_at", now),
        closed_reason=erased,
    )


def _remove(rows: QuerySet[Any]) -> int:
    """Delete rows to which nothing refers."""
    return rows._raw_delete(rows.db)
