"""Large grants by hand: one member of staff asks, another decides."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.records import STAFF
from rewards.amounts import Amounts
from rewards.models import GrantRequest
from rewards.services.effects import Effect, effect_on
from rewards.services.grants import grant, lock_recipient
from rewards.wording import in_words

BY_HAND = "hand:"
"""How the idempotency key of what staff grant or take begins; the nonce of their form follows."""
GRANT_KIND = "grant"
GRANT_MEMO = gettext_noop("Added by our support team")

Status = GrantRequest.Status


class NotWaiting(Exception):
    """Somebody has decided this request before."""

    sentence = gettext_noop("This request has been decided already.")


class SecondPersonNeeded(Exception):
    """Nobody decides what they asked for themselves."""

    sentence = gettext_noop("Somebody else must decide this than who asked for it.")


def ask_for_grant(
    *, user_id: int, amounts: Amounts, reason: str, actor: str, nonce: UUID, now: datetime
) -> GrantRequest:
    """Note down a grant that a second person must approve; nothing is paid yet."""
    return GrantRequest.objects.create(
        user_id=user_id,
        **amounts.as_dict(),
        reason=reason,
        requested_by=_member_of_staff(actor),
        requested_at=now,
        nonce=nonce,
    )


@transaction.atomic
def approve(request: GrantRequest, *, actor: str, reason: str, now: datetime) -> Effect:
    """Pay what was asked for. Raises `NotWaiting`, `SecondPersonNeeded` and `UserGone`."""
    locked = _decided(request, Status.APPROVED, actor=actor, reason=reason, now=now)
    user = lock_recipient(locked.user_id)
    locked.transaction = grant(
        user_id=user.pk,
        amounts=locked.amounts,
        kind=GRANT_KIND,
        key=f"{BY_HAND}{locked.nonce}",
        memo=GRANT_MEMO,
        note=f"{locked.reason} ({STAFF}{locked.requested_by}; {actor}: {reason})",
        actor=actor,
        now=now,
    )
    locked.save()
    return effect_on(user_ids=[user.pk], now=now, moves=[_told(locked)])


@transaction.atomic
def refuse(request: GrantRequest, *, actor: str, reason: str, now: datetime) -> Effect:
    """Close a request unpaid; whoever asked may ask again. Raises as `approve`, but `UserGone`."""
    locked = _decided(request, Status.REFUSED, actor=actor, reason=reason, now=now)
    locked.save()
    return Effect(moves=(_told(locked),))


def _decided(
    request: GrantRequest, status: str, *, actor: str, reason: str, now: datetime
) -> GrantRequest:
    waiting = GrantRequest.objects.select_for_update(of=("self",), no_key=True)
    locked = waiting.select_related("user", "requested_by").get(pk=request.pk)
    if locked.status != Status.WAITING:
        raise NotWaiting
    decider = _member_of_staff(actor)
    if decider == locked.requested_by:
        raise SecondPersonNeeded
    locked.status, locked.decided_by, locked.decided_at = status, decider, now
    locked.decision_reason = reason
    return locked


def _member_of_staff(actor: str) -> Any:
    return get_user_model().objects.get_by_natural_key(actor.removeprefix(STAFF))


def _told(request: GrantRequest) -> str:
    return _("%(request)s, %(amounts)s for %(person)s: waiting → %(status)s") % {
        "request": request,
        "amounts": in_words(request.amounts),
        "person": request.user.known_as,
        "status": request.get_status_display().lower(),
    }
