"""Staff correct the same thing at the same moment, each on a connection of their own."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from accounts.models import User
from backoffice.rehearsal import carry_out, rehearse
from rewards.amounts import Amounts
from rewards.models import GrantRequest, Transaction
from rewards.services import balances_of, spend, verify_ledger
from rewards.services.corrections import grant_by_hand, reverse, take_back
from rewards.services.grant_requests import approve, refuse
from tests.parallel import race
from tests.rewards.conftest import NOW
from tests.rewards.staff import make_staff

pytestmark = pytest.mark.django_db(transaction=True)

Give = Callable[..., Transaction]
WHO = {"reason": "Complaint 17", "now": NOW}


@pytest.fixture(autouse=True)
def staff(db: Any) -> None:
    for name in ("aree", "boonmee", "chai"):
        make_staff(name)


@pytest.fixture
def ploy(ploys_id: int) -> User:
    return User.objects.get(pk=ploys_id)


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_two_reverse_one_transaction(ploy: User, give: Give) -> None:
    given = give(coins=5)
    give(coins=50)

    results = race(
        [partial(reverse, given, actor=f"staff:{name}", **WHO) for name in ("aree", "boonmee")] * 3
    )

    assert outcomes(results) == {"Effect": 1, "AlreadyReversed": 5}
    assert balances_of(ploy.pk) == Amounts(coins=50)


def test_two_take_back_the_same_amount(ploy: User, give: Give) -> None:
    give(coins=8)

    results = race(
        [
            partial(take_back, ploy, actor=f"staff:{name}", nonce=uuid7(), coins=5, **WHO)
            for name in ("aree", "boonmee")
        ]
        * 2
    )

    # Each form twice: the repeat is told so if its first went through.
    told = outcomes(results)
    assert told["Effect"] == 1
    assert told["AlreadyDone"] + told["InsufficientBalance"] == 3
    assert balances_of(ploy.pk) == Amounts(coins=3)


def test_a_form_that_is_sent_twice_at_once_grants_once(ploy: User) -> None:
    send = partial(grant_by_hand, ploy, actor="staff:aree", nonce=uuid7(), coins=5, **WHO)
    assert outcomes(race([send] * 4)) == {"Effect": 1, "AlreadyDone": 3}
    assert balances_of(ploy.pk) == Amounts(coins=5)


def test_a_large_form_that_is_sent_twice_at_once_asks_once(ploy: User) -> None:
    send = partial(grant_by_hand, ploy, actor="staff:aree", nonce=uuid7(), coins=5000, **WHO)
    assert outcomes(race([send] * 4)) == {"Effect": 1, "AlreadyDone": 3}
    assert GrantRequest.objects.count() == 1


def test_small_grants_at_once_are_counted_together(ploy: User, settings: Any) -> None:
    settings.MANUAL_GRANT_LIMIT = 100
    results = race(
        [
            partial(grant_by_hand, ploy, actor="staff:aree", nonce=uuid7(), coins=60, **WHO)
            for _ in range(4)
        ]
    )
    assert outcomes(results) == {"Effect": 4}
    assert balances_of(ploy.pk) == Amounts(coins=60)
    assert GrantRequest.objects.count() == 3


@pytest.mark.parametrize("second", [approve, refuse])
def test_a_request_is_decided_once_though_two_decide(
    ploy: User, second: Callable[..., Any]
) -> None:
    grant_by_hand(ploy, actor="staff:aree", nonce=uuid7(), coins=5000, **WHO)
    request = GrantRequest.objects.get()

    results = race(
        [
            partial(approve, request, actor="staff:boonmee", **WHO),
            partial(second, request, actor="staff:chai", **WHO),
        ]
    )

    assert outcomes(results) == {"Effect": 1, "NotWaiting": 1}
    request.refresh_from_db()
    paid = 5000 if request.status == "approved" else 0
    assert balances_of(ploy.pk) == Amounts(coins=paid)


def test_whoever_spends_between_preview_and_confirmation_makes_it_stale_or_waits(
    ploy: User, give: Give
) -> None:
    """Either the spending came first, and nothing is corrected; or it finds what is left."""
    for round_ in range(6):
        given = give(coins=5)
        back = partial(reverse, given, actor="staff:aree", claw_back=True, **WHO)
        seen = rehearse(back).digest
        corrected, spent = race(
            [
                partial(carry_out, back, seen=seen),
                partial(
                    spend, user_id=ploy.pk, amount=3, order=["coins"], reason="r",
                    key=f"s{round_}", actor="a", now=NOW,
                ),
            ]
        )  # fmt: skip
        told = (type(corrected).__name__, type(spent).__name__)
        assert told in {("PreviewStale", "Transaction"), ("Effect", "InsufficientBalance")}
        left = balances_of(ploy.pk).coins
        assert left == (2 if told[0] == "PreviewStale" else 0)
        if left:
            back()
    assert verify_ledger() == []
