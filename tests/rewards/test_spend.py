"""POST /api/v1/rewards/spend"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services import IdempotencyKeyReused, InsufficientBalance, balances_of, spend
from tests.rewards.conftest import NOW, Service
from tests.statements import statements

READING = {"user_id": "user_ploy", "amount": 4, "from": ["free_points", "stars"], "reason": "Read"}
Give = Callable[..., Transaction]


def test_free_points_are_spent_before_stars(service: Service, give: Give) -> None:
    give(free_points=3, stars=5)
    response = service.post("rewards/spend", READING)
    assert response.status_code == 201
    answer = response.json()
    assert answer["balances"] == {"stars": 4, "free_points": 0, "coins": 0, "exp": 0}
    assert answer["transaction"] == {
        "id": str(Transaction.objects.get(kind="spend").pk),
        "kind": "spend",
        "amounts": {"stars": -1, "free_points": -3, "coins": 0, "exp": 0},
        "reference": "",
        "memo": "Read",
        "created_at": answer["transaction"]["created_at"],
        "reverses": None,
    }
    assert answer["transaction"]["created_at"].endswith("Z")


def test_what_comes_first_in_the_order_is_drawn_first(service: Service, give: Give) -> None:
    give(free_points=3, stars=5)
    response = service.post("rewards/spend", {**READING, "from": ["stars", "free_points"]})
    assert response.json()["balances"] == {"stars": 1, "free_points": 3, "coins": 0, "exp": 0}


def test_too_little_is_refused_and_nothing_is_drawn(
    service: Service, give: Give, ploys_id: int
) -> None:
    give(free_points=2, stars=1, coins=100)
    response = service.post("rewards/spend", READING)
    assert (response.status_code, response.json()["code"]) == (409, "insufficient_balance")
    assert balances_of(ploys_id) == Amounts(free_points=2, stars=1, coins=100)
    assert not IdempotencyRecord.objects.exists()


def test_a_refused_request_may_be_tried_again_under_its_key(service: Service, give: Give) -> None:
    headers = {"Idempotency-Key": "reading 1"}
    assert service.post("rewards/spend", READING, **headers).status_code == 409
    give(stars=4)
    assert service.post("rewards/spend", READING, **headers).status_code == 201


@pytest.mark.parametrize("gone", [{"deleted_at": NOW}, {"banned_at": NOW}])
def test_who_is_gone_spends_nothing(
    service: Service, give: Give, ploys_id: int, gone: dict[str, Any]
) -> None:
    give(stars=10)
    User.objects.filter(pk=ploys_id).update(first_name="", **gone)
    assert service.post("rewards/spend", READING).json()["code"] == "insufficient_balance"


def test_somebody_unknown_spends_nothing_and_is_not_provisioned(service: Service) -> None:
    response = service.post("rewards/spend", {**READING, "user_id": "user_nobody"})
    assert (response.status_code, response.json()["code"]) == (409, "insufficient_balance")
    assert not User.objects.filter(clerk_id="user_nobody").exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("amount", 0, "min_value"),
        ("amount", -1, "min_value"),
        ("amount", 1_000_000_001, "max_value"),
        ("amount", 10**400, "max_value"),
        ("amount", 1.0, "invalid"),
        ("amount", "4", "invalid"),
        ("amount", True, "invalid"),
        ("amount", None, "null"),
        ("amount", [4], "invalid"),
        ("from", [], "min_length"),
        ("from", "stars", "not_a_list"),
        ("from", ["stars", "stars"], "duplicate"),
        ("from", None, "null"),
        ("reason", "", "blank"),
        ("reason", " \t", "blank"),
        ("reason", 7, "invalid"),
        ("reason", "x" * 501, "max_length"),
        ("user_id", "", "blank"),
        ("user_id", 12, "invalid"),
        ("user_id", {"id": 1}, "invalid"),
        ("user_id", "x" * 256, "max_length"),
        ("colour", "red", "unknown_field"),
    ],
)
def test_an_unusable_field_is_named(
    service: Service, give: Give, field: str, value: Any, code: str
) -> None:
    give(stars=10)
    response = service.post("rewards/spend", {**READING, field: value})
    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(field, code)]
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("currency", ["gold", 1, None, ["stars"], {}, True])
def test_an_unknown_currency_is_named_by_its_place(service: Service, currency: Any) -> None:
    response = service.post("rewards/spend", {**READING, "from": ["stars", currency]})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "from.1"


@pytest.mark.parametrize(
    "body", ["", "[]", "4", "null", "{", '{"reason": "\\u0000"}', '{"amount": 1e999}', "9" * 5000]
)
def test_a_body_that_is_no_storable_object_is_refused(service: Service, body: str) -> None:
    assert service.post("rewards/spend", body).status_code == 400


def test_everything_wrong_is_said_at_once(service: Service) -> None:
    errors = service.post("rewards/spend", {"amount": 0, "colour": "red"}).json()["errors"]
    assert {error["field"] for error in errors} == {
        "amount", "colour", "from", "reason", "user_id",
    }  # fmt: skip


def test_a_spend_costs_at_most_eight_statements(service: Service, give: Give) -> None:
    give(free_points=3, stars=5)
    with statements() as sent:
        assert service.post("rewards/spend", READING).status_code == 201
    assert len(sent) <= 8, sent


def test_the_ledger_remembers_a_key_whose_record_is_cleaned_up(
    service: Service, give: Give
) -> None:
    give(stars=4)
    headers = {"Idempotency-Key": "reading 1"}
    first = service.post("rewards/spend", READING, **headers)
    IdempotencyRecord.objects.all().delete()
    again = service.post("rewards/spend", READING, **headers)
    assert again.status_code == 201
    assert again.json() == first.json()


def test_the_ledger_refuses_other_content_under_a_cleaned_up_key(
    service: Service, give: Give
) -> None:
    give(stars=10)
    headers = {"Idempotency-Key": "reading 1"}
    service.post("rewards/spend", READING, **headers)
    IdempotencyRecord.objects.all().delete()
    other = service.post("rewards/spend", {**READING, "amount": 1}, **headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_leaves_the_callers_transaction_usable(give: Give, ploys_id: int) -> None:
    given = give(stars=1)
    with pytest.raises(InsufficientBalance):
        _spend(ploys_id, 2, key="too much")
    _spend(ploys_id, 1, key="just enough")
    with pytest.raises(IdempotencyKeyReused):
        _spend(ploys_id, 5, key="just enough")
    assert balances_of(ploys_id) == Amounts()
    assert given.amounts == Amounts(stars=1)


@pytest.mark.parametrize(
    ("amount", "order"), [(0, ["stars"]), (-1, ["stars"]), (1, []), (1, ["stars", "stars"])]
)
def test_a_spend_that_makes_no_sense_is_a_programming_error(
    ploys_id: int, amount: int, order: list[str]
) -> None:
    with pytest.raises(ValueError, match="Cannot spend"):
        spend(user_id=ploys_id, amount=amount, order=order, reason="r", key="k", actor="a", now=NOW)


def _spend(user_id: int, amount: int, *, key: str) -> Transaction:
    return spend(
        user_id=user_id,
        amount=amount,
        order=["stars"],
        reason="Read",
        key=key,
        actor="test",
        now=NOW + timedelta(hours=1),
    )
