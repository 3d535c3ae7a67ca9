"""What staff put right of an attribution, each told as its effect: moves, lines, balances."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.utils.translation import gettext as _

from referrals.models import Attribution, TimelineEntry
from referrals.services.attributions import (
    MoveNotAllowed,
    approve_locked,
    lock_with_people,
    reject_locked,
    reverse_attribution,
)
from rewards import services as rewards
from rewards.amounts import Currency
from rewards.services.effects import Effect, effect_on


@transaction.atomic
def reverse(
    attribution: Attribution, *, actor: str, reason: str, now: datetime, claw_back: bool = False
) -> Effect:
    """Reverse an attribution; see `reverse_attribution`."""
    reverse_attribution(
        attribution=attribution, actor=actor, reason=reason, now=now, claw_back=claw_back
    )
    return effect_of([attribution], now=now)


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
    decided, left_out = [], []
    locked = lock_with_people(attributions)
    lock_balances_of(_people(locked))
    for attribution in locked:
        try:
            decided.append(decide(attribution, actor=actor, reason=reason, now=now))
        except MoveNotAllowed as refusal:
            left_out.append(_left_out(attribution, refusal))
    return effect_of(decided, now=now, also=left_out)


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
    reversed_, left_out = [], []
    locked = lock_with_people(attributions)
    lock_balances_of(_people(locked))
    for attribution in locked:
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
            left_out.append(_left_out(attribution, refusal))
    return effect_of(reversed_, now=now, also=left_out)


def _left_out(attribution: Attribution, refusal: Exception) -> str:
    why = str(refusal) or refusal.__doc__ or ""
    return _("%(attribution)s: left out. %(why)s") % {"attribution": attribution, "why": why}


def moved_of(attributions: Iterable[Attribution], *, now: datetime) -> list[Attribution]:
    """Return those of `attributions` that the present transaction moved at `now`."""
    concerned = {attribution.pk: attribution for attribution in attributions}
    entries = TimelineEntry.objects.filter(attribution__in=concerned, at=now)
    moved = set(entries.values_list("attribution", flat=True))
    return [attribution for id_, attribution in concerned.items() if id_ in moved]


def lock_balances_of(people: Iterable[int]) -> None:
    """Lock all that these people hold, in the ledger's order, before anything moves.

    A correction posts several times for one person; somebody's spending in between would otherwise
    wait for it crosswise, or change what the preview showed.
    """
    for user_id in sorted(people):
        rewards.lock_balances(user_id, Currency.values)


def effect_of(
    attributions: Iterable[Attribution], *, now: datetime, also: Iterable[str] = ()
) -> Effect:
    """Return what the present transaction did at `now` to these attributions and their people.

    `also` are further sentences for its moves.
    """
    concerned = list(attributions)
    moves = [*_moves(concerned, now), *also]
    return effect_on(user_ids=_people(concerned), now=now, moves=moves)


def _people(attributions: Iterable[Attribution]) -> set[int]:
    return {id_ for a in attributions for id_ in (a.referee_id, a.referrer_id)}


def _moves(attributions: list[Attribution], now: datetime) -> list[str]:
    entries = TimelineEntry.objects.filter(attribution__in=attributions, at=now)
    return [
        _("%(attribution)s: %(from)s → %(to)s")
        % {
            "attribution": entry.attribution,
            "from": entry.get_from_status_display() or _("new"),
            "to": entry.get_to_status_display(),
        }
        for entry in entries.select_related("attribution__referee", "attribution__referrer")
    ]
