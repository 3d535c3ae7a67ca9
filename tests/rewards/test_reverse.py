"""POST /api/v1/rewards/transactions/{id}/reverse, and the claw-back that staff may ask for"""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.services import create_api_key, erase_user
from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services import (
    AlreadyReversed,
    IdempotencyKeyReused,
    InsufficientBalance,
    balances_of,
    earned,
    exchange,
    reverse_transaction,
    spend,
)
from tests.people import Person
from tests.rewards.conftest import NOW, Service
from tests.statements import statements

Give = Callable[..., Transaction]


def test_a_reversal_takes_the_grant_back(service: Service, give: Give, ploys_id: int) -> None:
    given = give(coins=5, stars=1)
    response = service.post(f"rewards/transactions/{given.pk}/reverse", {"reason": "Mistake"})
    assert response.status_code == 201
    answer = response.json()
    assert answer["transaction"]["reverses"] == str(given.pk)
    assert answer["transaction"]["amounts"] == {
        "stars": -1,
        "free_points": 0,
        "coins": -5,
        "exp": 0,
    }
    assert answer["transaction"]["memo"] == "Mistake"
    assert not any(answer["balances"].values())
    assert not earned(user_id=ploys_id, kinds=["grant"])


def test_a_transaction_is_reversed_once(service: Service, give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    give(coins=100)
    path = f"rewards/transactions/{given.pk}/reverse"
    assert service.post(path, {"reason": "Mistake"}).status_code == 201
    response = service.post(path, {"reason": "Mistake"})
    assert (response.status_code, response.json()["code"]) == (409, "already_reversed")
    assert balances_of(ploys_id) == Amounts(coins=100)


def test_once_reversed_it_says_so_even_with_nothing_left(service: Service, give: Give) -> None:
    path = f"rewards/transactions/{give(coins=5).pk}/reverse"
    service.post(path, {"reason": "Mistake"})
    assert service.post(path, {"reason": "Again"}).json()["code"] == "already_reversed"


def test_what_is_spent_is_not_reversed_below_zero(
    service: Service, give: Give, ploys_id: int
) -> None:
    given = give(stars=5)
    _spend(ploys_id, 3)
    response = service.post(f"rewards/transactions/{given.pk}/reverse", {"reason": "Mistake"})
    assert (response.status_code, response.json()["code"]) == (409, "insufficient_balance")
    assert balances_of(ploys_id) == Amounts(stars=2)
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(
    "id_", ["x", "01890000-0000-7000-8000-000000000000", "1", "%00", "é", "0" * 500]
)
def test_an_unknown_transaction_is_not_found(service: Service, id_: str) -> None:
    response = service.post(f"rewards/transactions/{id_}/reverse", {"reason": "Mistake"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("reason", ["", "  ", None, 5, ["x"], "x" * 501])
def test_a_reversal_needs_a_reason(service: Service, give: Give, reason: Any) -> None:
    response = service.post(f"rewards/transactions/{give(coins=5).pk}/reverse", {"reason": reason})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["reason"]


def test_reversing_needs_the_scope_of_granting(give: Give) -> None:
    _, key = create_api_key(name="spender", scopes=["rewards:spend"], now=NOW)
    response = Service(key).post(
        f"rewards/transactions/{give(coins=5).pk}/reverse", {"reason": "Mistake"}
    )
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


def test_a_reversal_costs_at_most_nine_statements(service: Service, give: Give) -> None:
    given = give(coins=5)
    with statements() as sent:
        service.post(f"rewards/transactions/{given.pk}/reverse", {"reason": "Mistake"})
    assert len(sent) <= 9, sent


def test_a_spend_is_given_back(give: Give, ploys_id: int) -> None:
    give(stars=5)
    _reverse(_spend(ploys_id, 3))
    assert balances_of(ploys_id) == Amounts(stars=5)


def test_an_exchange_is_undone_in_both_currencies(give: Give, ploys_id: int) -> None:
    give(coins=30)
    bought = exchange(
        user_id=ploys_id, from_="coins", to="stars", units=2, key="x", actor="a", now=NOW
    )
    _reverse(bought)
    assert balances_of(ploys_id) == Amounts(coins=30)


def test_a_reversal_can_itself_be_reversed(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    restored = _reverse(_reverse(given))
    assert balances_of(ploys_id) == earned(user_id=ploys_id, kinds=["grant"]) == Amounts(coins=5)
    with pytest.raises(AlreadyReversed):
        _reverse(given, key="again")
    _reverse(restored)
    assert balances_of(ploys_id) == Amounts()


def test_a_claw_back_takes_what_is_left_and_records_the_shortfall(
    give: Give, ploys_id: int
) -> None:
    given = give(stars=5, coins=7)
    _spend(ploys_id, 3)
    taken = _reverse(given, claw_back=True)
    assert taken.amounts == Amounts(stars=-2, coins=-7)
    shortfall = taken.entries.filter(house="clawed_back").values_list("currency", "amount")
    assert list(shortfall) == [("stars", -3)]
    assert balances_of(ploys_id) == Amounts()


def test_a_claw_back_of_what_is_wholly_spent_still_stands_on_the_ledger(
    give: Give, ploys_id: int
) -> None:
    given = give(stars=5)
    _spend(ploys_id, 5)
    taken = _reverse(given, claw_back=True)
    assert not taken.amounts
    assert taken.user_id == ploys_id
    with pytest.raises(AlreadyReversed):
        _reverse(given, key="again", claw_back=True)


def test_a_claw_back_that_is_reversed_gives_back_what_it_took(give: Give, ploys_id: int) -> None:
    given = give(stars=5)
    _spend(ploys_id, 3)
    restored = _reverse(_reverse(given, claw_back=True))
    assert restored.amounts == balances_of(ploys_id) == Amounts(stars=2)


def test_a_repeat_returns_the_first_reversal(give: Give) -> None:
    given = give(coins=5)
    assert _reverse(given, key="one") == _reverse(given, key="one")
    with pytest.raises(IdempotencyKeyReused):
        _reverse(given, key="one", reason="Another")


def test_a_key_of_another_transaction_is_refused(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    with pytest.raises(IdempotencyKeyReused):
        _reverse(given, key="given 0")
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_a_reversal_keeps_the_reference_of_its_original(give: Give, ploys_id: int) -> None:
    assert _reverse(give(coins=5)).reference == ""


def test_a_refused_reversal_leaves_the_callers_transaction_usable(
    give: Give, ploys_id: int
) -> None:
    given = give(stars=5)
    _spend(ploys_id, 3)
    with pytest.raises(InsufficientBalance):
        _reverse(given)
    assert _reverse(given, claw_back=True).amounts == Amounts(stars=-2)


def _spend(user_id: int, amount: int) -> Transaction:
    return spend(
        user_id=user_id, amount=amount, order=["stars"], reason="Read", key="s", actor="a", now=NOW
    )


def _reverse(
    original: Transaction, *, key: str = "", reason: str = "Mistake", claw_back: bool = False
) -> Transaction:
    return reverse_transaction(
        transaction=original,
        reason=reason,
        key=key or f"reversal of {original.pk}",
        actor="aree",
        now=NOW,
        claw_back=claw_back,
    )


def test_nothing_is_given_back_to_somebody_erased(
    service: Service, give: Give, ploys_id: int, ploy: Person
) -> None:
    give(coins=5)
    spent = spend(
        user_id=ploys_id, amount=5, order=["coins"], reason="r", key="s", actor="a", now=NOW
    )
    erase_user(clerk_id=ploy.clerk_id, now=NOW)

    response = service.post(f"rewards/transactions/{spent.pk}/reverse", {"reason": "Mistake"})

    assert (response.status_code, response.json()["code"]) == (422, "user_gone")
    assert balances_of(ploys_id) == Amounts()
