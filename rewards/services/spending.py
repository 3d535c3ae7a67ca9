"""Spend: a user redeems what they hold."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import get_user_model

from rewards.amounts import Amounts
from rewards.models import Account, Transaction
from rewards.services.balances import InsufficientBalance, lock_balances
from rewards.services.posting import Posting, first_answer, from_house, in_transaction, post


def spend(
    *,
    user_id: int,
    amount: int,
    order: Sequence[str],
    reason: str,
    key: str,
    actor: str,
    now: datetime,
) -> Transaction:
    """Take `amount` units from a user, drawn from the currencies in the order given.

    All of it or nothing. Raises `InsufficientBalance` if these currencies together hold less, and
    `IdempotencyKeyReused`.
    """
    if amount < 1 or not order or len(set(order)) < len(order):
        raise ValueError(f"Cannot spend {amount} from {order}")
    with in_transaction():
        drawn = _draw(amount, order, lock_balances(user_id, order))
        posting = Posting(
            user_id=user_id,
            kind="spend",
            key=key,
            lines=from_house(Account.REDEEMED, -drawn),
            memo=reason,
            actor=actor,
            content=[amount, [str(currency) for currency in order], reason],
        )
        if sum(part for _, part in drawn) < amount:
            return first_answer(posting, otherwise=InsufficientBalance())
        return post([posting], now=now)[0]


def spend_by_clerk_id(
    *,
    clerk_id: str,
    amount: int,
    order: Sequence[str],
    reason: str,
    key: str,
    actor: str,
    now: datetime,
) -> Transaction:
    """Spend for the user whom a service names by Clerk id.

    Raises what `spend` raises; somebody unknown, deleted or banned has nothing to spend.
    """
    user = get_user_model().objects.filter(clerk_id=clerk_id).first()
    if user is None or user.is_gone:
        raise InsufficientBalance
    return spend(
        user_id=user.pk, amount=amount, order=order, reason=reason, key=key, actor=actor, now=now
    )


def _draw(amount: int, order: Sequence[str], held: Amounts) -> Amounts:
    drawn: dict[str, int] = {}
    for currency in order:
        drawn[currency] = min(getattr(held, currency), amount - sum(drawn.values()))
    return Amounts(**drawn)
