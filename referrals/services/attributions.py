"""Move an attribution from status to status, and pay what that brings.

`move` is the one place where a status changes; each change leaves a timeline entry, and a message
for the web app. What changed in another system is written down by `imports`, without a message.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Attribution, QualifyingEvent, Status, TimelineEntry
from referrals.services.announcements import announce
from referrals.services.payments import (
    SYSTEM,
    lock_balances_of,
    pay_referee,
    pay_referrer,
    take_back,
)

NEXT_STATUSES: dict[str, set[str]] = {
    "": {Status.HELD, Status.PENDING},
    Status.HELD: {Status.PENDING, Status.REJECTED},
    Status.PENDING: {Status.QUALIFIED, Status.REVERSED},
    Status.QUALIFIED: {Status.REWARDED, Status.REVERSED},
    Status.REWARDED: {Status.REVERSED},
    Status.REJECTED: set(),
    Status.REVERSED: set(),
}
# What staff undo: by `corrections.restore` and `corrections.reopen` alone.
UNDONE_STATUSES: dict[str, set[str]] = {
    Status.REJECTED: {Status.HELD},
    Status.REVERSED: {Status.PENDING, Status.QUALIFIED, Status.REWARDED},
}


class MoveNotAllowed(Exception):
    """An attribution cannot go from where it stands to there."""

    sentence = gettext_noop("An attribution cannot go from where it stands to there.")


def move(
    attribution: Attribution,
    *path: Status,
    actor: str,
    reason: str,
    now: datetime,
    undoing: bool = False,
) -> Attribution:
    """Take `attribution` along `path`, one timeline entry for each step.

    With `undoing` it goes from where it had ended back to life. The caller holds the attribution's
    row lock, or has just made the object: it is saved here, with whatever other fields the caller
    has set. Raises `MoveNotAllowed`.
    """
    allowed = UNDONE_STATUSES if undoing else NEXT_STATUSES
    entries = []
    is_new = attribution._state.adding
    for to_status in path:
        if to_status not in allowed.get(attribution.status, set()):
            raise MoveNotAllowed(_not_from(attribution.status, to_status))
        entries.append(
            TimelineEntry(
                attribution=attribution,
                at=now,
                from_status=attribution.status,
                to_status=to_status,
                actor=actor,
                reason=reason,
            )
        )
        attribution.status = to_status
    attribution.save(force_insert=is_new)
    TimelineEntry.objects.bulk_create(entries)
    announce(attribution, entries, undoing=undoing, now=now)
    return attribution


def _not_from(status: str, to_status: str) -> str:
    places = {"from": status or _("new"), "to": to_status}
    return _("It is %(from)s, not to be %(to)s.") % places


def accept(
    attribution: Attribution,
    *,
    actor: str,
    reason: str,
    now: datetime,
    event_count: int,
    may_pay_referrer: bool = True,
) -> Attribution:
    """Make a new or held attribution pending, pay the referee, and qualify it if it is due.

    `event_count` is the number of the referee's qualifying events so far: those before the claim
    count too. A referrer who may not be paid yet, though it is due, is paid later, by
    `releases.release_due`.
    """
    attribution.awaits_age = attribution.awaits_review = False
    path = [Status.PENDING]
    if is_due(attribution, event_count):
        path += _qualify(attribution, now, may_pay=may_pay_referrer)
    move(attribution, *path, actor=actor, reason=reason, now=now)
    pay_referee(attribution, actor=actor, reason=reason, now=now)
    if attribution.status == Status.REWARDED:
        pay_referrer(attribution, actor=actor, reason=reason, now=now)
    return attribution


def qualify(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> Attribution:
    """Qualify a pending attribution; the referrer is paid at once unless the terms say to wait."""
    move(attribution, *_qualify(attribution, now), actor=actor, reason=reason, now=now)
    if attribution.status == Status.REWARDED:
        pay_referrer(attribution, actor=actor, reason=reason, now=now)
    return attribution


def is_due(attribution: Attribution, event_count: int) -> bool:
    """Say whether the referee has done as much as the terms ask."""
    return event_count >= attribution.terms.qualifying_event_count


def _qualify(attribution: Attribution, now: datetime, may_pay: bool = True) -> list[Status]:
    attribution.qualified_at = now
    attribution.release_at = now + attribution.terms.hold
    if attribution.release_at > now or attribution.referrer.is_gone or not may_pay:
        return [Status.QUALIFIED]
    attribution.rewarded_at = now
    return [Status.QUALIFIED, Status.REWARDED]


def event_count(attribution: Attribution) -> int:
    """Count the referee's events of the type that the attribution's terms name."""
    return QualifyingEvent.objects.filter(
        user=attribution.referee_id, type=attribution.terms.qualifying_event_type
    ).count()


def approve_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> Attribution:
    """Accept a held attribution, whatever it was held for; the caller holds it and its people.

    Not for somebody deleted or banned, who is paid nothing. Raises `MoveNotAllowed`.
    """
    if locked.referee.is_gone:
        raise MoveNotAllowed(_("The invited person's account is deleted or banned."))
    return accept(locked, actor=actor, reason=reason, now=now, event_count=event_count(locked))


def reject_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> Attribution:
    """Refuse a held attribution, whose row the caller holds; nobody was paid.

    Raises `MoveNotAllowed`.
    """
    locked.awaits_age = locked.awaits_review = False
    return move(locked, Status.REJECTED, actor=actor, reason=reason, now=now)


@transaction.atomic
def reverse_attribution(
    *, attribution: Attribution, actor: str, reason: str, now: datetime, claw_back: bool = False
) -> Attribution:
    """Undo a pending, qualified or rewarded attribution and take back what it paid.

    What has been taken back already, by a reversal of that transaction alone, is left at that. With
    `claw_back`, what somebody has spent already is recorded as a shortfall; without it that raises
    `rewards.services.InsufficientBalance`. Also raises `MoveNotAllowed`.
    """
    locked = lock_with_people([attribution])[0]
    lock_balances_of([locked.referee_id, locked.referrer_id])
    move(locked, Status.REVERSED, actor=actor, reason=reason, now=now)
    take_back(locked, actor=actor, reason=reason, now=now, claw_back=claw_back)
    return locked


def lock_people(*ids: int) -> dict[int, User]:
    """Lock these people's rows, the lower id first, and return them as they are now.

    Whoever changes an attribution does this before all else, so that two who share a person take
    turns.
    """
    locked = User.objects.select_for_update(no_key=True).order_by("pk")
    return {user.pk: user for user in locked.filter(pk__in=set(ids))}


def lock_row(attribution: Attribution) -> Attribution:
    """Lock the row alone, and return it fresh; the caller holds the lock on the referee's row."""
    return (
        Attribution.objects.select_for_update(of=("self",), no_key=True)
        .with_names()
        .get(pk=attribution.pk)
    )


def lock_with_people(
    attributions: Iterable[Attribution], also: Iterable[int] = ()
) -> list[Attribution]:
    """Lock the people of these attributions, `also` others, then the rows; return them fresh.

    In the order in which they were made.
    """
    asked = list(attributions)
    lock_people(*(id_ for a in asked for id_ in (a.referee_id, a.referrer_id)), *also)
    rows = Attribution.objects.with_names().filter(pk__in=[a.pk for a in asked])
    return list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))


def reject_held_of(*, user: User, reason: str, now: datetime) -> int:
    """Reject what an erased `user` had claimed and was still held: nobody can decide it any more.

    Returns how many. The caller holds the lock on the user's row.
    """
    held = list(Attribution.objects.filter(status=Status.HELD, referee=user))
    for attribution in held:
        reject_locked(lock_row(attribution), actor=SYSTEM, reason=reason, now=now)
    return len(held)
