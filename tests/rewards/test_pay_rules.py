"""Rewards by rule: what is promised, once, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from rewards.amounts import Amounts
from rewards.models import RewardRule
from rewards.services import balances_of, earned, pay_rules
from tests.rewards.conftest import NOW
from tests.statements import statements


def test_the_welcome_reward_is_paid_once(ploys_id: int) -> None:
    (paid,) = _pay(ploys_id, "user.provisioned", reference="ref")
    assert (paid.kind, paid.memo, paid.reference) == ("reward", "Welcome", "ref")
    _pay(ploys_id, "user.provisioned", reference="ref")
    assert balances_of(ploys_id) == Amounts(free_points=3)


@pytest.mark.parametrize(
    ("count", "amounts"),
    [
        (1, Amounts(free_points=2)),
        (2, Amounts()),
        (10, Amounts(coins=25)),
        (50, Amounts(free_points=5)),
        (99, Amounts()),
        (100, Amounts(stars=3)),
        (101, Amounts()),
    ],
)
def test_a_milestone_is_paid_at_its_count(ploys_id: int, count: int, amounts: Amounts) -> None:
    _pay(ploys_id, "reading.completed", count)
    assert balances_of(ploys_id) == amounts


def test_several_rules_pay_together(ploys_id: int) -> None:
    RewardRule.objects.create(name="Spring", trigger="reading.completed", threshold=10, exp=7)
    assert len(_pay(ploys_id, "reading.completed", 10)) == 2
    assert earned(user_id=ploys_id, kinds=["reward"]) == Amounts(coins=25, exp=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"is_active": False},
        {"free_points": 0},
        {"active_from": NOW + timedelta(seconds=1)},
        {"active_until": NOW},
    ],
)
def test_legacy_fault_15_a_rule_that_is_off_pays_nothing(
    ploys_id: int, fields: dict[str, Any]
) -> None:
    RewardRule.objects.filter(name="Welcome").update(**fields)
    assert _pay(ploys_id, "user.provisioned") == []
    assert balances_of(ploys_id) == Amounts()


def test_a_rule_pays_from_its_first_moment_to_before_its_last(ploys_id: int) -> None:
    RewardRule.objects.filter(name="Welcome").update(
        active_from=NOW, active_until=NOW + timedelta(seconds=1)
    )
    assert len(_pay(ploys_id, "user.provisioned")) == 1


def test_a_rule_that_staff_changed_is_not_paid_again(ploys_id: int) -> None:
    (first,) = _pay(ploys_id, "user.provisioned")
    RewardRule.objects.filter(name="Welcome").update(free_points=8, name="Hello")
    (again,) = _pay(ploys_id, "user.provisioned")
    assert again == first
    assert again.amounts == balances_of(ploys_id) == Amounts(free_points=3)


def test_a_daily_rule_pays_once_a_day(ploys_id: int) -> None:
    RewardRule.objects.filter(name="Daily activity").update(is_active=True)
    for hours in (0, 1, 11.9):  # until just before midnight, UTC
        _pay(ploys_id, "user.active", now=NOW + timedelta(hours=hours))
    assert balances_of(ploys_id) == Amounts(coins=5)
    _pay(ploys_id, "user.active", now=NOW + timedelta(hours=12))
    assert balances_of(ploys_id) == Amounts(coins=10)


def test_legacy_fault_17_what_is_paid_is_what_the_ledger_says(ploys_id: int) -> None:
    (paid,) = _pay(ploys_id, "user.provisioned")
    assert paid.amounts == balances_of(ploys_id) == RewardRule.objects.get(name="Welcome").amounts


def test_paying_costs_two_statements_and_not_paying_one(ploys_id: int) -> None:
    with statements() as sent:
        _pay(ploys_id, "user.provisioned")
    assert len(sent) == 2, sent
    with statements() as sent:
        _pay(ploys_id, "reading.completed", 7)
    assert len(sent) == 1, sent


def _pay(user_id: int, trigger: str, count: int = 1, *, now: Any = NOW, **more: Any) -> list[Any]:
    return pay_rules(user_id=user_id, trigger=trigger, count=count, now=now, **more)
