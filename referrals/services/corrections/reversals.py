"""Reverse an attribution, with what it paid, and undo such a reversal."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from referrals.models import Attribution, Status
from referrals.services.attributions import (
    MoveNotAllowed,
    event_count,
    is_due,
    move,
    qualify,
    reverse_attribution,
)
from referrals.services.corrections.effects import effect_of, left_out
from referrals.services.corrections.locks import lock_all, lock_one
from referrals.services.corrections.refusals import refuse_cycle, refuse_gone, refuse_second
from referrals.services.payments import give_back
from rewards import services as rewards
from rewards.services.effects import Effect


@transaction.atomic
def reverse(
    attribution: Attribution, *, actor: str, reason: str, now: datetime, claw_back: bool = False
) -> Effect:
    """Reverse an attribution; see `reverse_attribution`."""
    reversed_ = reverse_attribution(
        attribution=attribution, actor=actor, reason=reason, now=now, claw_back=claw_back
    )
    return effect_of([reversed_], now=now)


@transaction.atomic
def reverse_many(
    attributions: Iterable[Attribution],
    *,
    actor: str,
    reason: str,
    now: datetime,
    claw_back: bool = False,
) -> Effect:
    """Reverse `attributions`, all in one transaction; see `reverse_attribution`.

    What cannot be reversed (it stands where there is no way to reversed, or somebody has spent what
    it paid and `claw_back` is not asked for) is left out, and the effect's moves say so.
    """
    reversed_, others = [], []
    for attribution in lock_all(attributions):
        try:
            with transaction.atomic():  # so that a refusal leaves nothing of its attempt
                reversed_.append(
                    reverse_attribution(
                        attribution=attribution,
                        actor=actor,
                        reason=reason,
                        now=now,
                        claw_back=claw_back,
                    )
                )
        except (MoveNotAllowed, rewards.InsufficientBalance, rewards.AlreadyReversed) as refusal:
            others.append(left_out(attribution, refusal))
    return effect_of(reversed_, now=now, also=others)


@transaction.atomic
def restore(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> Effect:
    """Undo a reversal: the attribution has its status from before, and its people what it took.

    What had been taken back separately stays taken. If the referee has done enough meanwhile, a
    pending attribution qualifies, and pays; a qualified one is paid by the usual release. Raises
    `MoveNotAllowed`, `PersonGone`, `AnotherStands`, `ClosesCycle`.
    """
    locked = lock_one(attribution)
    refuse_gone(locked.referee, locked.referrer)
    refuse_second(locked.referee, besides=locked)
    refuse_cycle(referee=locked.referee, referrer=locked.referrer)
    restore_locked(locked, actor=actor, reason=reason, now=now)
    return effect_of([locked], now=now)


def restore_locked(locked: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    """Bring a reversed attribution, whose locks the caller holds, back to what it was."""
    before = _status_before_reversal(locked)
    move(locked, before, actor=actor, reason=reason, now=now, undoing=True)
    give_back(locked, actor=actor, reason=reason, now=now)
    if locked.status == Status.PENDING and is_due(locked, event_count(locked)):
        qualify(locked, actor=actor, reason=reason, now=now)


def _status_before_reversal(locked: Attribution) -> Status:
    last = locked.timeline.order_by("pk").last()
    if last is None or locked.status != Status.REVERSED or last.to_status != Status.REVERSED:
        raise MoveNotAllowed(_("Only an attribution that was reversed can be restored."))
    return Status(last.from_status)
