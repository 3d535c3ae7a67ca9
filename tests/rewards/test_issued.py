"""What the house gave in a period, by kind, and what was taken back."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import IssuedDay, Transaction
from rewards.services import (
    Issued,
    earned_between,
    grant,
    issued_by_kind,
    reverse_transaction,
    spend,
)
from tests.rewards.conftest import NOW

DAY = timedelta(days=1)
NOTHING = Amounts()


def give(user_id: int, *, kind: str = "reward", at: datetime = NOW, **amounts: int) -> Transaction:
    key = f"{kind} {at} {amounts}"
    return grant(user_id=user_id, amounts=Amounts(**amounts), kind=kind, key=key, now=at)


def take_back(
    transaction: Transaction, *, at: datetime = NOW, claw_back: bool = False
) -> Transaction:
    return reverse_transaction(
        transaction=transaction,
        reason="Mistake",
        key=f"{transaction.pk}:reversal",
        actor="aree",
        now=at,
        claw_back=claw_back,
    )


def issued(begins: datetime = NOW, ends: datetime = NOW + DAY) -> list[Issued]:
    """Return what is read, which is what is kept once the day is over; then forget that."""
    counted = issued_by_kind(midnights=[begins, ends], now=begins)
    assert not IssuedDay.objects.exists()
    for _ in ("counted and kept", "kept"):
        assert issued_by_kind(midnights=[begins, ends], now=ends + DAY) == counted
    assert IssuedDay.objects.count() == 1
    IssuedDay.objects.all().delete()
    return counted


def test_what_was_given_is_summed_by_kind_and_currency(ploys_id: int) -> None:
    give(ploys_id, coins=50)
    give(ploys_id, coins=5, stars=2)
    give(ploys_id, kind="grant", free_points=3)
    assert issued() == [
        Issued("grant", Amounts(free_points=3), NOTHING),
        Issued("reward", Amounts(coins=55, stars=2), NOTHING),
    ]


def test_only_what_was_made_in_the_period_counts(ploys_id: int) -> None:
    for day in (-1, 0, 1):
        give(ploys_id, at=NOW + day * DAY, coins=1)
    assert issued() == [Issued("reward", Amounts(coins=1), NOTHING)]
    assert issued(NOW + 5 * DAY, NOW + 6 * DAY) == []


def test_what_users_spend_is_not_issued(ploys_id: int) -> None:
    give(ploys_id, at=NOW - DAY, stars=5)
    spend(user_id=ploys_id, amount=4, order=["stars"], reason="", key="s", actor="", now=NOW)
    assert issued() == []


def test_a_reversal_takes_back_on_its_own_day_for_the_kind_of_its_original(ploys_id: int) -> None:
    given = give(ploys_id, at=NOW - DAY, coins=50)
    take_back(given)
    assert issued() == [Issued("reward", NOTHING, Amounts(coins=-50))]
    assert issued()[0].net == Amounts(coins=-50)
    assert issued(NOW - DAY, NOW) == [Issued("reward", Amounts(coins=50), NOTHING)]


def test_the_reversal_of_a_reversal_gives_again(ploys_id: int) -> None:
    taken = take_back(give(ploys_id, coins=50))
    take_back(taken)
    assert issued() == [Issued("reward", Amounts(coins=100), Amounts(coins=-50))]
    assert issued()[0].net == Amounts(coins=50)


def test_what_somebody_had_spent_is_taken_back_from_what_was_issued_all_the_same(
    ploys_id: int,
) -> None:
    given = give(ploys_id, stars=5)
    spend(user_id=ploys_id, amount=4, order=["stars"], reason="", key="s", actor="", now=NOW)
    take_back(given, claw_back=True)
    assert issued()[0].net == NOTHING


def test_earnings_are_told_for_each_user_and_kind(ploys_id: int) -> None:
    malis_id = User.objects.create(clerk_id="user_mali").pk
    give(ploys_id, coins=50)
    give(ploys_id, coins=7, at=NOW - DAY)
    give(ploys_id, kind="grant", coins=1)
    give(malis_id, stars=2, coins=3)

    def earned(*user_ids: int) -> dict[int, Amounts]:
        return earned_between(user_ids=user_ids, kinds=["reward"], begins=NOW, ends=NOW + DAY)

    assert earned(ploys_id) == {ploys_id: Amounts(coins=50)}
    assert earned(ploys_id, malis_id)[malis_id] == Amounts(stars=2, coins=3)
    assert earned() == {}


@pytest.mark.parametrize("later", [0, 30])
def test_earnings_are_net_of_what_was_taken_back_whenever(ploys_id: int, later: int) -> None:
    take_back(give(ploys_id, coins=50), at=NOW + later * DAY)
    earned = earned_between(user_ids=[ploys_id], kinds=["reward"], begins=NOW, ends=NOW + DAY)
    assert earned == {ploys_id: NOTHING}
