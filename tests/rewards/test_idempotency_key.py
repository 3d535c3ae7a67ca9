"""The header `Idempotency-Key`, wherever the contract marks it."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.services import create_api_key
from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services import balances_of
from tests.people import Browser, Person
from tests.rewards.conftest import NOW, Service

GRANT = {"user_id": "user_ploy", "amounts": {"coins": 5}, "reason": "Sorry"}
KEY = {"Idempotency-Key": "one"}


def test_a_repeat_gets_the_first_answer(service: Service, ploys_id: int) -> None:
    first = service.post("rewards/grants", GRANT, **KEY)
    again = service.post("rewards/grants", GRANT, **KEY)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.json()) == (201, first.json())
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_the_same_content_may_be_written_otherwise(service: Service, ploys_id: int) -> None:
    first = service.post("rewards/grants", GRANT, **KEY)
    spelled_out = {"reason": "Sorry ", "amounts": {"stars": 0, "coins": 5}, "user_id": "user_ploy"}
    assert service.post("rewards/grants", spelled_out, **KEY).json() == first.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rewards/grants", {**GRANT, "amounts": {"coins": 6}}),
        ("rewards/grants", {**GRANT, "user_id": "user_mali"}),
        ("rewards/grants", {**GRANT, "reason": "Thanks"}),
        (
            "rewards/spend",
            {"user_id": "user_ploy", "amount": 5, "from": ["coins"], "reason": "Sorry"},
        ),
    ],
)
def test_a_key_is_not_reused_for_something_else(
    service: Service, ploys_id: int, path: str, body: Any
) -> None:
    service.post("rewards/grants", GRANT, **KEY)
    response = service.post(path, body, **KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_two_callers_may_choose_the_same_key(service: Service, ploys_id: int) -> None:
    _, key = create_api_key(name="another", scopes=["rewards:grant"], now=NOW)
    for caller in (service, Service(key)):
        assert caller.post("rewards/grants", GRANT, **KEY).status_code == 201
    assert balances_of(ploys_id) == Amounts(coins=10)


@pytest.mark.parametrize("path", ["spend", "grants", "transactions/1/reverse"])
def test_a_service_must_send_one(service: Service, path: str) -> None:
    service_without = Service(service.api_key)
    response = _post_without_key(service_without, f"rewards/{path}")
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")


def test_a_person_must_send_one(db: Any, ploy: Person) -> None:
    response = Browser().sign_in(ploy).post("rewards/exchange", {})
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\tinside", "\x7f"])
def test_an_unusable_one_is_refused(service: Service, key: str) -> None:
    response = service.post("rewards/grants", GRANT, **{"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["x", "x" * 255, "~ !\"{}'%s;--"])
def test_any_printable_one_is_good(service: Service, ploys_id: int, key: str) -> None:
    assert service.post("rewards/grants", GRANT, **{"Idempotency-Key": key}).status_code == 201
    assert Transaction.objects.get().idempotency_key.endswith(key)


def test_a_bad_body_uses_up_no_key(service: Service, ploys_id: int) -> None:
    assert service.post("rewards/grants", {}, **KEY).status_code == 400
    assert not IdempotencyRecord.objects.exists()
    assert service.post("rewards/grants", GRANT, **KEY).status_code == 201


def _post_without_key(service: Service, path: str) -> Any:
    from django.test import Client

    send: Callable[..., Any] = Client().post
    return send(
        f"/api/v1/{path}",
        data="{}",
        content_type="application/json",
        headers={"Authorization": f"Api-Key {service.api_key}"},
    )
