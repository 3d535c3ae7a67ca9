"""What staff put right on the ledger, each told as its effect: moves, lines, balances.

What they write as reason is the transactions' note; the users read a neutral memo.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rewards.amounts import Amounts
from rewards.models import Account, Entry, GrantRequest, Transaction, net_amounts
from rewards.services.balances import InsufficientBalance, balances_of, lock_balances
from rewards.services.effects import Effect, effect_on
from rewards.services.grant_requests import (
    BY_HAND,
    GRANT_KIND,
    GRANT_MEMO,
    ask_for_grant,
)
from rewards.services.grants import Recipient, grant, lock_recipient
from rewards.services.owners import ask_owner
from rewards.services.posting import AlreadyReversed, Posting, from_house, post
from rewards.services.reversals import refuse_erased, reverse_transaction
from rewards.wording import in_words

TAKE_BACK_KIND = "take_back"
TAKE_BACK_MEMO = gettext_noop("Taken back by our support team")
REVERSAL_MEMO = gettext_noop("Corrected by our support team")
COUNTED_TOGETHER = timedelta(hours=24)
"""What one member of staff grants one user within this time counts as one grant."""


class AlreadyDone(Exception):
    """This form has been sent already, and what it asked is done."""

    sentence = gettext_noop("This has been done already. To do it once more, open the page anew.")


@transaction.atomic
def grant_by_hand(
    user: Recipient,
    *,
    actor: str,
    reason: str,
    now: datetime,
    nonce: UUID,
    stars: int = 0,
    free_points: int = 0,
    coins: int = 0,
    exp: int = 0,
) -> Effect:
    """Issue amounts to a user, or, if they are large, ask for a second person's approval.

    Large is what brings the grants by this actor to this user within 24 hours, reversed ones
    included, over `settings.MANUAL_GRANT_LIMIT` of any one currency. `nonce` is of the form, once
    for each. Raises `AlreadyDone` and `UserGone`.
    """
    amounts = Amounts(stars, free_points, coins, exp)
    lock_recipient(user.pk)  # also: two grants of one actor see each other
    _refuse_repeat(nonce)
    if _is_large(amounts, user_id=user.pk, actor=actor, now=now):
        ask_for_grant(
            user_id=user.pk, amounts=amounts, reason=reason, actor=actor, nonce=nonce, now=now
        )
        return Effect(moves=(_waiting(user, amounts),))
    grant(
        user_id=user.pk,
        amounts=amounts,
        kind=GRANT_KIND,
        key=f"{BY_HAND}{nonce}",
        memo=GRANT_MEMO,
        note=reason,
        actor=actor,
        now=now,
    )
    return effect_on(user_ids=[user.pk], now=now)


@transaction.atomic
def take_back(
    user: Recipient,
    *,
    actor: str,
    reason: str,
    now: datetime,
    nonce: UUID,
    stars: int = 0,
    free_points: int = 0,
    coins: int = 0,
    exp: int = 0,
    what_is_left: bool = False,
) -> Effect:
    """Take amounts from a user; the house account `clawed_back` receives them.

    With `what_is_left`, no more is taken than there is, and the effect names the shortfall.
    Raises `AlreadyDone`, and `InsufficientBalance` if there is too little, or nothing at all.
    """
    asked = Amounts(stars, free_points, coins, exp)
    held = lock_balances(user.pk, [currency for currency, amount in asked if amount])
    _refuse_repeat(nonce)
    taken = Amounts(**{name: min(amount, getattr(held, name)) for name, amount in asked})
    shortfall = asked + -taken
    if not taken or (shortfall and not what_is_left):
        raise _not_enough(user.pk)
    posting = Posting(
        user_id=user.pk,
        kind=TAKE_BACK_KIND,
        key=f"{BY_HAND}{nonce}",
        lines=from_house(Account.CLAWED_BACK, -taken),
        memo=TAKE_BACK_MEMO,
        note=reason,
        actor=actor,
    )
    post([posting], now=now)
    return effect_on(user_ids=[user.pk], now=now, moves=_shortfall(user, shortfall))


@transaction.atomic
def reverse(
    original: Transaction, *, actor: str, reason: str, now: datetime, claw_back: bool = False
) -> Effect:
    """Reverse one transaction, be it a reversal itself: that corrects a correction.

    With `claw_back`, what the user no longer has is borne by the house. Raises `AlreadyReversed`,
    `OwnedElsewhere`, `UserGone` if it would give to somebody erased, and, without `claw_back`,
    `InsufficientBalance`.
    """
    ask_owner(original)
    refuse_erased(original)
    # As the reversal will, so that nobody reverses it after we have looked.
    lock_balances(original.user_id, {entry.currency for entry in original.entries.all()})
    if Transaction.objects.filter(reverses=original).exists():
        raise AlreadyReversed
    try:
        reversal = reverse_transaction(
            transaction=original,
            reason=REVERSAL_MEMO,
            key=f"reversal:{original.pk}",  # one for each, however long the chain becomes
            actor=actor,
            now=now,
            claw_back=claw_back,
            note=reason,
        )
    except InsufficientBalance as error:
        raise _not_enough(original.user_id) from error
    shortfall = _shortfall(original.user, original.amounts + reversal.amounts)
    return effect_on(user_ids=[original.user_id], now=now, moves=shortfall)


def _refuse_repeat(nonce: UUID) -> None:
    """Raise `AlreadyDone`; the caller holds a lock for which a second submit has waited."""
    if (
        Transaction.objects.filter(idempotency_key=f"{BY_HAND}{nonce}").exists()
        or GrantRequest.objects.filter(nonce=nonce).exists()
    ):
        raise AlreadyDone


def _is_large(amounts: Amounts, *, user_id: int, actor: str, now: datetime) -> bool:
    together = amounts + _granted_lately(user_id=user_id, actor=actor, now=now)
    return any(
        amount and getattr(together, currency) > settings.MANUAL_GRANT_LIMIT
        for currency, amount in amounts
    )


def _granted_lately(*, user_id: int, actor: str, now: datetime) -> Amounts:
    """Sum what this actor granted by hand; what a second person approved is not theirs alone."""
    grants = Transaction.objects.filter(
        user=user_id,
        created_at__gt=now - COUNTED_TOGETHER,
        kind=GRANT_KIND,
        actor=actor,
        idempotency_key__startswith=BY_HAND,
        grant_request__isnull=True,
    )
    return net_amounts(Entry.objects.filter(transaction__in=grants))


def _waiting(user: Recipient, amounts: Amounts) -> str:
    return _("%(amounts)s for %(person)s: waits for a second person to approve.") % {
        "amounts": in_words(amounts),
        "person": user.known_as,
    }


def _shortfall(user: Recipient, amounts: Amounts) -> list[str]:
    if not amounts:
        return []
    told = {"person": user.known_as, "amounts": in_words(amounts)}
    return [_("Shortfall: %(person)s lacks %(amounts)s of it.") % told]


def _not_enough(user_id: int) -> InsufficientBalance:
    held = in_words(balances_of(user_id))
    return InsufficientBalance(
        _("There is not enough on the balance, which is: %(amounts)s.") % {"amounts": held}
    )
