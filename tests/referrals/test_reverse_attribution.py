"""Staff reverse an attribution: both sides give back what it brought them, exactly once."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from referrals.models import Attribution, Status
from referrals.services.attributions import reverse_attribution
from referrals.services.proof import verify_attributions
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.people import Browser, Person
from tests.referrals.bulk import decide
from tests.referrals.story import balances, user_of

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)
PLOYS_OWN = WELCOME + Amounts(free_points=2)


def undo(attribution: Attribution, **more: Any) -> Attribution:
    return reverse_attribution(
        attribution=attribution,
        actor="staff:aree",
        reason="Two accounts of one person",
        now=timezone.now(),
        **more,
    )


def reverse_times(times: int, key: str) -> None:
    """Reverse what stands under `key`, then that reversal, and so on."""
    for n in range(times):
        rewards.reverse_transaction(
            transaction=Transaction.objects.get(idempotency_key=f"{n - 1}" if n else key),
            reason="By a service",
            key=f"{n}",
            actor="key:1",
            now=timezone.now(),
        )


@pytest.mark.parametrize("reversals", [0, 1, 2, 3])
def test_a_reward_is_given_back_once_though_its_transaction_was_reversed_before(
    rewarded: Attribution, nok: Person, ploy: Person, reversals: int
) -> None:
    reverse_times(reversals, rewarded.referrer_key)

    assert undo(rewarded).status == Status.REVERSED

    assert (balances(nok), balances(ploy)) == (WELCOME, PLOYS_OWN)


@pytest.mark.parametrize("reversals", [0, 1, 2])
def test_a_reward_that_a_service_corrected_is_no_fault_of_the_ledger(
    rewarded: Attribution, reversals: int
) -> None:
    reverse_times(reversals, rewarded.referrer_key)

    assert verify_attributions() == []


def test_the_reason_is_for_staff_and_not_on_peoples_ledger(
    rewarded: Attribution, ploy: Person
) -> None:
    undo(rewarded)

    assert rewarded.timeline.get(to_status="reversed").reason == "Two accounts of one person"
    shown = Browser().sign_in(ploy).get("rewards/transactions").content.decode()
    assert "reversal" in shown
    assert "one person" not in shown


def test_a_long_reason_is_kept_whole(rewarded: Attribution) -> None:
    locked = reverse_attribution(
        attribution=rewarded, actor="staff:aree", reason="x" * 5000, now=timezone.now()
    )
    assert locked.timeline.get(to_status="reversed").reason == "x" * 5000


def test_what_was_spent_keeps_it_from_being_reversed_unless_clawed_back(
    rewarded: Attribution, nok: Person
) -> None:
    rewards.spend(
        user_id=user_of(nok).pk,
        amount=30,
        order=["coins"],
        reason="A candle",
        key="candle",
        actor="key:1",
        now=timezone.now(),
    )
    aree = Client()
    aree.force_login(User.objects.create_superuser("aree", "secret"))

    refused = decide(aree, "reverse", rewarded)
    assert Attribution.objects.get().status == Status.REWARDED
    decide(aree, "claw_back", rewarded)

    assert "There is not enough on the balance." in refused
    assert balances(nok) == WELCOME
    assert Attribution.objects.get().status == Status.REVERSED
