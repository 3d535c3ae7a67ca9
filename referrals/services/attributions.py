"""Move an attribution from status to status, and pay what that brings.

`move` is the one place where a status changes; each change leaves a timeline entry, and a message
for the web app.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import (
    Attribution,
    Decision,
    Outcome,
    QualifyingEvent,
    Status,
    TimelineEntry,
)
from referrals.models.attributions import AttributionQuerySet
from referrals.rules import Judgement, Verdict, judge_late
from referrals.services.announcements import announce
from referrals.services.payments import (
    SYSTEM,
    lock_balances_of,
    pay_referee,
    pay_referrer,
    take_back,
)

logger = logging.getLogger(__name__)

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
    count too. A referrer who may not be paid yet, though it is due, is paid by `release_due`.
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


@transaction.atomic
def approve_attribution(
    *, attribution: Attribution, actor: str, reason: str, now: datetime
) -> Attribution:
    """Accept a held attribution, whatever it was held for. Raises `MoveNotAllowed`.

    Not for somebody deleted or banned, who is paid nothing.
    """
    return approve_locked(_locked_with_people(attribution), actor=actor, reason=reason, now=now)


def approve_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> Attribution:
    """Approve an attribution whose row and people the caller holds; see `approve_attribution`."""
    if locked.referee.is_gone:
        raise MoveNotAllowed(_("The invited person's account is deleted or banned."))
    return accept(locked, actor=actor, reason=reason, now=now, event_count=event_count(locked))


@transaction.atomic
def reject_attribution(
    *, attribution: Attribution, actor: str, reason: str, now: datetime
) -> Attribution:
    """Refuse a held attribution for good; nobody was paid. Raises `MoveNotAllowed`."""
    return reject_locked(_locked_with_people(attribution), actor=actor, reason=reason, now=now)


def reject_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> Attribution:
    """Reject an attribution whose row the caller holds; see `reject_attribution`."""
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
    locked = _locked_with_people(attribution)
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


def _locked(attribution: Attribution) -> Attribution:
    return (
        Attribution.objects.select_for_update(of=("self",), no_key=True)
        .with_names()
        .get(pk=attribution.pk)
    )


def _locked_with_people(attribution: Attribution) -> Attribution:
    return lock_with_people([attribution])[0]


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


def resolve_held_of(*, user: User, now: datetime) -> None:
    """Decide what was held for want of the age of `user`'s account, now that Clerk has told it."""
    for attribution in _awaiting_age().filter(referee=user):
        resolve_held(attribution=attribution, now=now)


@transaction.atomic
def resolve_held(*, attribution: Attribution, now: datetime) -> Attribution:
    """Accept, reject or keep for review an attribution whose referee's age has become known.

    With the age came the e-mail address, so the rules on mailboxes are asked again. What they all
    say is kept as one more decision. A banned referee waits for the end of the ban.
    """
    locked = _locked(attribution)
    if locked.status != Status.HELD or not locked.awaits_age or locked.referee.is_gone:
        return locked
    judgement = judge_late(
        referee=locked.referee,
        referrer=locked.referrer,
        claimed_at=locked.claimed_at,
        terms=locked.terms,
    )
    if judgement.awaits_age:
        return locked
    locked.awaits_age = False
    if reason := _why_not(locked, judgement):
        _keep_decision(locked, judgement, Outcome.REFUSED, now)
        return move(locked, Status.REJECTED, actor=SYSTEM, reason=reason, now=now)
    if locked.awaits_review or judgement.awaits_review:
        _keep_decision(locked, judgement, Outcome.HELD, now)
        locked.awaits_review = True
        locked.save(update_fields=["awaits_age", "awaits_review"])
        return locked
    _keep_decision(locked, judgement, Outcome.ACCEPTED, now)
    events = event_count(locked)
    return accept(
        locked,
        actor=SYSTEM,
        reason=judgement.evaluations[0].reason,
        now=now,
        event_count=events,
        may_pay_referrer=is_due(locked, events) and _lock_referrer_if_free(locked),
    )


def _lock_referrer_if_free(attribution: Attribution) -> bool:
    """Lock the referrer, who may be erased at this moment, and say whether that was possible.

    The referee's row is locked already, so to wait for another would be out of order: two could
    wait for each other. Whoever holds it will let go, and `release_due` then pays.
    """
    people = User.objects.select_for_update(no_key=True, skip_locked=True)
    referrer = people.filter(pk=attribution.referrer_id).first()
    if referrer is None:
        return False
    attribution.referrer = referrer
    return True


def _keep_decision(
    attribution: Attribution, judgement: Judgement, outcome: Outcome, now: datetime
) -> None:
    Decision.objects.create(
        referee=attribution.referee,
        referrer=attribution.referrer,
        attribution=attribution,
        terms=attribution.terms,
        capture_id=attribution.capture_id,
        code=attribution.code.code,
        at=now,
        outcome=outcome,
        refusal=judgement.refusal,
        evaluations=judgement.as_json(),
    )


def _why_not(attribution: Attribution, judgement: Judgement) -> str:
    if attribution.referrer.is_gone:
        return gettext_noop("The referrer's account is deleted or banned.")
    failed = (e.reason for e in judgement.evaluations if e.verdict == Verdict.FAIL)
    return next(failed, "")


def _awaiting_age() -> AttributionQuerySet:
    return Attribution.objects.filter(status=Status.HELD, awaits_age=True)


def reject_held_of(*, user: User, reason: str, now: datetime) -> int:
    """Reject what an erased `user` had claimed and was still held: nobody can decide it any more.

    Returns how many. The caller holds the lock on the user's row.
    """
    held = list(Attribution.objects.filter(status=Status.HELD, referee=user))
    for attribution in held:
        reject_locked(_locked(attribution), actor=SYSTEM, reason=reason, now=now)
    return len(held)


@dataclass(slots=True)
class Released:
    """What a batch of releases came to: how many moved, and those that failed, which stay."""

    moved: int = 0
    failed: set[UUID] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.moved or self.failed)


def release_due(
    *, now: datetime, passing_over: Collection[UUID] = (), limit: int = 100
) -> Released:
    """Pay referrers whose hold is over and decide held attributions that are now known.

    Takes up to `limit` of each, every one in a transaction of its own, so that no lock is held for
    long, parallel runs never wait for each other crosswise, and one that fails stops no other. Call
    it until what it returns is false, passing over what has failed.
    """
    to_pay = releasable(now).exclude(pk__in=passing_over).order_by("release_at")
    known = _awaiting_age().filter(
        referee__account_created_at__isnull=False, referee__banned_at__isnull=True
    )
    to_decide = known.exclude(pk__in=passing_over).order_by("claimed_at")
    released = Released()
    for work, attributions in ((_release, to_pay), (_resolve_known, to_decide)):
        for attribution in list(attributions[:limit]):
            _do(work, attribution, now, released)
    return released


def _do(
    work: Callable[[Attribution, datetime], bool],
    attribution: Attribution,
    now: datetime,
    released: Released,
) -> None:
    try:
        released.moved += work(attribution, now)
    except Exception as error:
        if isinstance(error, DatabaseError) and not connection.is_usable():
            raise  # no other would fare better
        logger.exception("Attribution %s could not be released.", attribution.pk)
        released.failed.add(attribution.pk)


def releasable(now: datetime) -> AttributionQuerySet:
    """Return the attributions whose referrer is to be paid by now."""
    return Attribution.objects.filter(
        status=Status.QUALIFIED,
        release_at__lte=now,
        referrer__deleted_at__isnull=True,
        referrer__banned_at__isnull=True,
    )


@transaction.atomic
def _release(attribution: Attribution, now: datetime) -> bool:
    locked = _locked_with_people(attribution)
    if not releasable(now).filter(pk=locked.pk).exists():  # another run, or staff, was first
        return False
    locked.rewarded_at = now
    reason = gettext_noop("The hold is over.")
    move(locked, Status.REWARDED, actor=SYSTEM, reason=reason, now=now)
    pay_referrer(locked, actor=SYSTEM, reason=reason, now=now)
    return True


@transaction.atomic
def _resolve_known(attribution: Attribution, now: datetime) -> bool:
    lock_people(attribution.referee_id, attribution.referrer_id)
    if not _awaiting_age().filter(pk=attribution.pk).exists():
        return False
    return not resolve_held(attribution=attribution, now=now).awaits_age
