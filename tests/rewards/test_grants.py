"""POST /api/v1/rewards/grants"""

from typing import Any

import pytest

from accounts.models import User
from accounts.services import create_api_key
from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services import IdempotencyKeyReused, balances_of, grant
from tests.people import Browser, Person
from tests.rewards.conftest import NOW, Service
from tests.statements import statements

GRANT = {"user_id": "user_ploy", "amounts": {"coins": 5}, "reason": "Sorry"}


def test_a_grant_raises_the_balance_and_says_so(service: Service, ploys_id: int) -> None:
    response = service.post("rewards/grants", GRANT)
    assert response.status_code == 201
    answer = response.json()
    assert answer["balances"] == {"stars": 0, "free_points": 0, "coins": 5, "exp": 0}
    assert answer["transaction"]["amounts"] == answer["balances"]
    assert (answer["transaction"]["kind"], answer["transaction"]["memo"]) == ("grant", "Sorry")


def test_it_is_on_record_who_granted(service: Service, ploys_id: int) -> None:
    service.post("rewards/grants", GRANT, **{"Idempotency-Key": "one"})
    granted = Transaction.objects.get(kind="grant")
    assert granted.actor.startswith("key:")
    assert granted.idempotency_key == f"{granted.actor}:one"


def test_somebody_unknown_is_provisioned(service: Service) -> None:
    response = service.post("rewards/grants", {**GRANT, "user_id": "user_new"})
    assert response.status_code == 201
    assert response.json()["balances"]["coins"] == 5
    assert User.objects.filter(clerk_id="user_new").exists()


@pytest.mark.parametrize("gone", [{"deleted_at": NOW}, {"banned_at": NOW}])
def test_who_is_gone_is_given_nothing(
    service: Service, ploys_id: int, gone: dict[str, Any]
) -> None:
    User.objects.filter(pk=ploys_id).update(first_name="", **gone)
    response = service.post("rewards/grants", GRANT)
    assert (response.status_code, response.json()["code"]) == (422, "user_gone")
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("amounts", "field", "code"),
    [
        ({}, "amounts", "all_zero"),
        ({"coins": 0}, "amounts", "all_zero"),
        ({"coins": -1}, "amounts.coins", "min_value"),
        ({"coins": 5, "stars": -1}, "amounts.stars", "min_value"),
        ({"coins": 1_000_000_001}, "amounts.coins", "max_value"),
        ({"coins": 2**63}, "amounts.coins", "max_value"),
        ({"coins": "5"}, "amounts.coins", "invalid"),
        ({"coins": 5.0}, "amounts.coins", "invalid"),
        ({"coins": True}, "amounts.coins", "invalid"),
        ({"coins": None}, "amounts.coins", "null"),
        ({"coin": 5}, "amounts.coin", "unknown_field"),
        ([], "amounts", "invalid"),
        (5, "amounts", "invalid"),
        (None, "amounts", "null"),
    ],
)
def test_legacy_fault_15_unreadable_amounts_are_named_and_give_nothing(
    service: Service, ploys_id: int, amounts: Any, field: str, code: str
) -> None:
    response = service.post("rewards/grants", {**GRANT, "amounts": amounts})
    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(field, code)]
    assert not Transaction.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_legacy_fault_16_a_person_cannot_grant_and_nothing_is_minted(db: Any, ploy: Person) -> None:
    person = Browser().sign_in(ploy)
    for path in ("grants", "spend", "transactions/1/reverse"):
        response = person.post(f"rewards/{path}", GRANT, **{"Idempotency-Key": "one"})
        assert (response.status_code, response.json()["code"]) == (401, "api_key_missing")
    assert person.post("rewards/transactions", GRANT).status_code == 405
    assert not Transaction.objects.filter(kind="grant").exists()


def test_a_service_without_the_scope_cannot_grant(db: Any) -> None:
    _, key = create_api_key(name="spender", scopes=["rewards:spend"], now=NOW)
    response = Service(key).post("rewards/grants", GRANT)
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


def test_a_grant_costs_at_most_eight_statements(service: Service, ploys_id: int) -> None:
    with statements() as sent:
        assert service.post("rewards/grants", GRANT).status_code == 201
    assert len(sent) <= 8, sent


def test_a_repeated_grant_returns_the_first(ploys_id: int) -> None:
    first, again = (_grant(ploys_id, Amounts(coins=5)) for _ in range(2))
    assert first == again
    assert first.amounts == again.amounts == balances_of(ploys_id) == Amounts(coins=5)


@pytest.mark.parametrize("other", [{"memo": "m"}, {"reference": "r"}, {"kind": "gift"}])
def test_a_key_is_not_reused_for_another_grant(ploys_id: int, other: dict[str, str]) -> None:
    _grant(ploys_id, Amounts(coins=5))
    with pytest.raises(IdempotencyKeyReused):
        _grant(ploys_id, Amounts(coins=5), **other)
    with pytest.raises(IdempotencyKeyReused):
        _grant(ploys_id, Amounts(coins=6))


@pytest.mark.parametrize("amounts", [Amounts(), Amounts(coins=-1), Amounts(stars=5, coins=-1)])
def test_a_grant_that_takes_is_a_programming_error(ploys_id: int, amounts: Amounts) -> None:
    with pytest.raises(ValueError, match="takes nothing"):
        _grant(ploys_id, amounts)


def _grant(user_id: int, amounts: Amounts, *, kind: str = "grant", **texts: str) -> Transaction:
    return grant(user_id=user_id, amounts=amounts, kind=kind, key="one", now=NOW, **texts)
