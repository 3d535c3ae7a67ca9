from datetime import UTC, datetime

import pytest

from rewards.amounts import Amounts
from rewards.services import (
    IdempotencyKeyReused,
    balances_of,
    grant,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_grant_raises_the_balance(ploys_id: int) -> None:
    given = grant(user_id=ploys_id, amounts=Amounts(coins=5), kind="grant", key="k", now=NOW)
    assert given.amounts == balances_of(ploys_id) == Amounts(coins=5)


def test_a_repeated_grant_returns_the_first(ploys_id: int) -> None:
    first, again = (
        grant(user_id=ploys_id, amounts=Amounts(coins=5), kind="grant", key="k", now=NOW)
        for _ in range(2)
    )
    assert first == again
    assert again.amounts == balances_of(ploys_id) == Amounts(coins=5)


def test_a_key_is_not_reused_for_other_amounts(ploys_id: int) -> None:
    grant(user_id=ploys_id, amounts=Amounts(coins=5), kind="grant", key="k", now=NOW)
    with pytest.raises(IdempotencyKeyReused):
        grant(user_id=ploys_id, amounts=Amounts(coins=6), kind="grant", key="k", now=NOW)
