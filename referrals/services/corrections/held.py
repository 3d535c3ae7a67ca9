"""Decide what is held, one or many, and open again what was rejected."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from django.db import transaction

from referrals.models import Attribution, Status
from referrals.services.attributions import MoveNotAllowed, approve_locked, move, reject_locked
from referrals.services.corrections.effects import effect_of, left_out
from referrals.services.corrections.locks import lock_all, lock_one
from referrals.services.corrections.refusals import refuse_cycle, refuse_gone, refuse_second
from rewards.services.effects import Effect


@transaction.atomic
def approve(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> Effect:
    """Accept a held attribution, whatever it was held for.

    The referee is paid; if they have done enough by now, the attribution qualifies at once. Raises
    `MoveNotAllowed`, also for a referee who is gone.
    """
    locked = lock_one(attribution)
    approve_locked(locked, actor=actor, reason=reason, now=now)
    return effect_of([locked], now=now)


@transaction.atomic
def reject(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> Effect:
    """Refuse a held attribution; nobody was paid. Raises `MoveNotAllowed`."""
    locked = lock_one(attribution)
    reject_locked(locked, actor=actor, reason=reason, now=now)
    return effect_of([locked], now=now)


@transaction.atomic
def reopen(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> Effect:
    """Undo a rejection: the attribution is held again, for staff to decide.

    Raises `MoveNotAllowed`, `PersonGone`, `AnotherStands`, `ClosesCycle`.
    """
    locked = lock_one(attribution)
    refuse_gone(locked.referee, locked.referrer)
    refuse_second(locked.referee, besides=locked)
    refuse_cycle(referee=locked.referee, referrer=locked.referrer)
    locked.awaits_review = True
    reopen_locked(locked, actor=actor, reason=reason, now=now)
    return effect_of([locked], now=now)


def reopen_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    """Hold a rejected attribution again, for what its flags say; the caller holds its locks."""
    move(locked, Status.HELD, actor=actor, reason=reason, now=now, undoing=True)


@transaction.atomic
def decide_held(
    attributions: Iterable[Attribution],
    *,
    decision: Literal["approve", "reject"],
    actor: str,
    reason: str,
    now: datetime,
) -> Effect:
    """Approve or reject what is held of `attributions`, all in one transaction.

    Whatever cannot be decided any more (it is no longer held, or its referee is gone and cannot be
    approved) is left out, and the effect's moves say so.
    """
    decide = {"approve": approve_locked, "reject": reject_locked}[decision]
    decided, others = [], []
    for attribution in lock_all(attributions):
        try:
            decided.append(decide(attribution, actor=actor, reason=reason, now=now))
        except MoveNotAllowed as refusal:
            others.append(left_out(attribution, refusal))
    return effect_of(decided, now=now, also=others)
