"""What moves attributions by itself: Clerk tells an account's age, or a hold is over."""

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Attribution, Decision, Outcome, Status
from referrals.models.attributions import AttributionQuerySet
from referrals.rules import Judgement, Verdict, judge_late
from referrals.services.attributions import (
    accept,
    event_count,
    is_due,
    lock_people,
    lock_row,
    lock_with_people,
    move,
)
from referrals.services.payments import SYSTEM, pay_referrer

logger = logging.getLogger(__name__)

PAGE = 100
"""How many attributions are read at a time."""


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
    locked = lock_row(attribution)
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


@dataclass(slots=True)
class Released:
    """What a run came to: how many attributions moved, and those that failed, which stay."""

    moved: int = 0
    failed: set[UUID] = field(default_factory=set)


def release_due(*, now: datetime) -> Released:
    """Decide held attributions that are now known, then pay referrers whose hold is over by `now`.

    Looks at each once, in a transaction of its own: so no lock is held for long, runs in parallel
    never wait for each other crosswise, one that fails stops no other, and one that stays as it is
    is not asked for again and again.
    """
    released = Released()
    known = _awaiting_age().filter(
        referee__account_created_at__isnull=False, referee__banned_at__isnull=True
    )
    for attribution in _each(known):
        _do(_resolve_known, attribution, now, released)
    for attribution in _each(releasable(now)):
        _do(_release, attribution, now, released)
    return released


def _each(due: AttributionQuerySet) -> Iterator[Attribution]:
    """Give what is due now, but for what another run has done by the time that it is read.

    In an order of each run's own: in the same order, all would wait for the first.
    """
    keys = list(due.values_list("pk", flat=True))
    random.shuffle(keys)
    for begin in range(0, len(keys), PAGE):
        yield from due.filter(pk__in=keys[begin : begin + PAGE])


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
    locked = lock_with_people([attribution])[0]
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


def _awaiting_age() -> AttributionQuerySet:
    return Attribution.objects.filter(status=Status.HELD, awaits_age=True)
