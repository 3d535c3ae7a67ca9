"""Exchange one currency for another at the active rate."""

from datetime import datetime

from django.db.models import QuerySet

from rewards.amounts import Amounts
from rewards.models import Account, ExchangeRate, Transaction
from rewards.services.balances import InsufficientBalance, lock_balances
from rewards.services.posting import (
    Line,
    Posting,
    first_answer,
    from_house,
    in_transaction,
    post,
)

KIND = "exchange"


class NoRate(Exception):
    """These two currencies are not exchanged at present."""


def exchange(
    *, user_id: int, from_: str, to: str, units: int, key: str, actor: str, now: datetime
) -> Transaction:
    """Buy `units` whole units of `to` with `from_`, at the pair's active rate.

    Raises `NoRate`, `InsufficientBalance` and `IdempotencyKeyReused`.
    """
    if units < 1:
        raise ValueError(f"Cannot buy {units} units")
    with in_transaction():
        held = lock_balances(user_id, [from_, to])
        rate = active_rates().filter(from_currency=from_, to_currency=to).first()
        cost = rate.price * units if rate else 0
        posting = Posting(
            user_id=user_id,
            kind=KIND,
            key=key,
            lines=_lines(from_, to, cost=cost, units=units) if rate else (),
            memo=f"{cost} {from_} for {units} {to}",
            actor=actor,
            content=[str(from_), str(to), units],
        )
        if rate is None:
            return first_answer(posting, otherwise=NoRate())
        if getattr(held, from_) < cost:
            return first_answer(posting, otherwise=InsufficientBalance())
        return post([posting], now=now)[0]


def active_rates() -> QuerySet[ExchangeRate]:
    """Return the rates in force, at most one for a pair."""
    return ExchangeRate.objects.filter(is_active=True).order_by("from_currency", "to_currency")


def _lines(from_: str, to: str, *, cost: int, units: int) -> tuple[Line, ...]:
    moved = Amounts(**{from_: -cost}) + Amounts(**{to: units})
    return from_house(Account.EXCHANGED, moved)
