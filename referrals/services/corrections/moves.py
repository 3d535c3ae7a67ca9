"""Move an attribution to another referrer, and undo that.

A move makes a row of its own for the new referrer, which names the one that it replaces: each keeps
its timeline and its lines on the ledger.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from referrals.models import Attribution, ReferralCode, Status
from referrals.services.attributions import MoveNotAllowed, move, reject_locked
from referrals.services.corrections.effects import effect_of
from referrals.services.corrections.held import reopen_locked
from referrals.services.corrections.locks import lock_all, lock_one
from referrals.services.corrections.refusals import (
    SameReferrer,
    refuse_code,
    refuse_cycle,
    refuse_gone,
)
from referrals.services.corrections.reversals import restore_locked
from referrals.services.payments import (
    pay_referee,
    pay_referrer,
    take_back,
    take_back_as_before,
)
from rewards.services.effects import Effect

WAY = (Status.PENDING, Status.QUALIFIED, Status.REWARDED)


@transaction.atomic
def move_to_referrer(
    attribution: Attribution,
    *,
    code: ReferralCode,
    actor: str,
    reason: str,
    now: datetime,
    claw_back: bool = False,
) -> Effect:
    """Attribute its referee to the owner of `code` instead, under the same terms and as far along.

    The old attribution ends and gives back what it paid; the new one is paid what the old one was.
    The referee is given before they are taken from, and so never lacks it. What the old referrer
    lacks is, with `claw_back`, recorded as a shortfall. Raises `MoveNotAllowed`, `SameReferrer`,
    `OwnCode`, `OtherProgram`, `PersonGone`, `ClosesCycle` and, without `claw_back`,
    `InsufficientBalance`.
    """
    old = lock_one(attribution, code.owner_id)
    referrer = User.objects.get(pk=code.owner_id)
    if not old.is_live:
        raise MoveNotAllowed(_("Only an attribution that stands can be moved."))
    if referrer == old.referrer:
        raise SameReferrer
    # That of its code: one that was imported has terms of a program that no code has.
    refuse_code(code, referee=old.referee, program_id=old.code.program_id)
    refuse_gone(old.referee, referrer)
    refuse_cycle(referee=old.referee, referrer=referrer)
    new = _successor(old, code, referrer, now)
    path = [Status.HELD] if old.status == Status.HELD else WAY[: WAY.index(Status(old.status)) + 1]
    _end(old, actor=actor, reason=reason, now=now)
    move(new, *path, actor=actor, reason=reason, now=now)
    _pay_successor(old, new, actor=actor, reason=reason, now=now, claw_back=claw_back)
    told = _("The new attribution is by code %(code)s, under %(terms)s.")
    return effect_of([old, new], now=now, also=[told % {"code": code, "terms": new.terms}])


def _successor(old: Attribution, code: ReferralCode, referrer: User, now: datetime) -> Attribution:
    return Attribution(
        replaces=old,
        terms=old.terms,
        referee=old.referee,
        referrer=referrer,
        code=code,
        status="",
        awaits_age=old.awaits_age,
        awaits_review=old.awaits_review,
        claimed_at=old.claimed_at,
        qualified_at=old.qualified_at,
        release_at=old.release_at,
        rewarded_at=now if old.status == Status.REWARDED else None,
    )


def _end(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    if attribution.status == Status.HELD:
        reject_locked(attribution, actor=actor, reason=reason, now=now)
    else:
        move(attribution, Status.REVERSED, actor=actor, reason=reason, now=now)


def _pay_successor(
    old: Attribution,
    new: Attribution,
    *,
    actor: str,
    reason: str,
    now: datetime,
    claw_back: bool,
) -> None:
    if new.status == Status.HELD:
        return
    pay_referee(new, actor=actor, reason=reason, now=now)
    if new.status == Status.REWARDED:
        pay_referrer(new, actor=actor, reason=reason, now=now)
    taken = take_back(old, actor=actor, reason=reason, now=now, claw_back=claw_back)
    if old.referee_key not in taken:  # it had been taken back for its own sake, and stays so
        take_back_as_before(old, new, actor=actor, reason=reason, now=now)


@transaction.atomic
def undo_move(
    attribution: Attribution,
    *,
    actor: str,
    reason: str,
    now: datetime,
    claw_back: bool = False,
) -> Effect:
    """End the attribution that a move made, and bring back the one that it replaced.

    Raises `MoveNotAllowed`, `PersonGone`, `ClosesCycle` and, without `claw_back`,
    `InsufficientBalance`.
    """
    old, new = _replaced_and_replacement(attribution)
    refuse_gone(old.referee, old.referrer)
    refuse_cycle(referee=old.referee, referrer=old.referrer)
    waits = (new.awaits_age, new.awaits_review) if new.status == Status.HELD else (False, True)
    _end(new, actor=actor, reason=reason, now=now)
    if old.status == Status.REJECTED:
        old.awaits_age, old.awaits_review = waits
        reopen_locked(old, actor=actor, reason=reason, now=now)
    else:
        restore_locked(old, actor=actor, reason=reason, now=now)
    take_back(new, actor=actor, reason=reason, now=now, claw_back=claw_back)
    return effect_of([old, new], now=now)


def _replaced_and_replacement(attribution: Attribution) -> tuple[Attribution, Attribution]:
    """Lock the two, and their people; raise `MoveNotAllowed` if there is no move to undo."""
    if attribution.replaces is None:
        raise MoveNotAllowed(_("It replaces no other attribution."))
    locked = {row.pk: row for row in lock_all([attribution.replaces, attribution])}
    old, new = locked[attribution.replaces.pk], locked[attribution.pk]
    if not new.is_live:
        raise MoveNotAllowed(_("Only an attribution that stands can be moved."))
    return old, new
