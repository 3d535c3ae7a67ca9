"""POST /api/v1/rewards/exchange, GET /api/v1/rewards/rates"""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import ExchangeRate, IdempotencyRecord, Transaction
from rewards.services import NoRate, balances_of, exchange, grant
from tests.people import Browser, Person
from tests.rewards.conftest import NOW
from tests.statements import statements

TWO_STARS = {"from": "coins", "to": "stars", "units": 2}


@pytest.fixture
def ploys_browser(ploys_id: int, ploy: Person) -> Browser:
    return Browser().sign_in(ploy)


@pytest.fixture
def buy(ploys_browser: Browser) -> Callable[..., Any]:
    keys = (f"purchase {number}" for number in range(1000))

    def buy(body: Any = TWO_STARS, **headers: str) -> Any:
        return ploys_browser.post(
            "rewards/exchange", body, **{"Idempotency-Key": next(keys), **headers}
        )

    return buy


def test_stars_are_bought_at_the_advertised_rate(
    buy: Callable[..., Any], give: Callable[..., Any]
) -> None:
    give(coins=40)
    response = buy()
    assert response.status_code == 201
    answer = response.json()
    assert answer["balances"] == {"stars": 2, "free_points": 0, "coins": 10, "exp": 0}
    assert answer["transaction"]["amounts"] == {
        "stars": 2,
        "free_points": 0,
        "coins": -30,
        "exp": 0,
    }
    assert answer["transaction"]["kind"] == "exchange"


def test_legacy_fault_18_an_exchange_never_goes_below_zero(
    buy: Callable[..., Any], give: Callable[..., Any], ploys_id: int
) -> None:
    give(coins=29)
    response = buy()
    assert (response.status_code, response.json()["code"]) == (409, "insufficient_balance")
    assert balances_of(ploys_id) == Amounts(coins=29)
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(("from_", "to"), [("stars", "coins"), ("coins", "coins")])
def test_a_pair_without_rate_is_not_exchanged(
    buy: Callable[..., Any], give: Callable[..., Any], from_: str, to: str
) -> None:
    give(coins=100, stars=100)
    response = buy({"from": from_, "to": to, "units": 1})
    assert (response.status_code, response.json()["code"]) == (422, "no_rate")


def test_legacy_fault_15_a_rate_that_is_off_exchanges_nothing(
    buy: Callable[..., Any], give: Callable[..., Any]
) -> None:
    give(coins=100)
    ExchangeRate.objects.update(is_active=False)
    assert buy().json()["code"] == "no_rate"


def test_a_repeat_gets_the_first_purchase_whatever_the_rate_is_now(
    buy: Callable[..., Any], give: Callable[..., Any], ploys_id: int
) -> None:
    give(coins=30)
    first = buy(**{"Idempotency-Key": "one"})
    ExchangeRate.objects.update(is_active=False)
    assert buy(**{"Idempotency-Key": "one"}).json() == first.json()
    IdempotencyRecord.objects.all().delete()
    assert buy(**{"Idempotency-Key": "one"}).json() == first.json()
    assert balances_of(ploys_id) == Amounts(stars=2)


def test_one_persons_key_is_not_anothers(
    db: Any, ploy: Person, mali: Person, give: Callable[..., Any]
) -> None:
    give(coins=30)
    malis_id = User.objects.create(clerk_id=mali.clerk_id).pk
    grant(user_id=malis_id, amounts=Amounts(coins=30), kind="grant", key="m", now=NOW)
    for person in (ploy, mali):
        response = (
            Browser()
            .sign_in(person)
            .post("rewards/exchange", TWO_STARS, **{"Idempotency-Key": "one"})
        )
        assert response.status_code == 201
        assert "Idempotency-Replayed" not in response.headers


def test_it_is_on_record_who_acted_in_a_persons_name(give: Callable[..., Any]) -> None:
    give(coins=30)
    impersonated = Person("user_ploy", {"act": {"sub": "user_aree"}})
    response = (
        Browser()
        .sign_in(impersonated)
        .post("rewards/exchange", TWO_STARS, **{"Idempotency-Key": "one"})
    )
    assert response.status_code == 201
    assert "user_aree" in Transaction.objects.get(kind="exchange").actor


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("units", 0, "min_value"),
        ("units", -2, "min_value"),
        ("units", 0.5, "invalid"),
        ("units", "2", "invalid"),
        ("units", True, "invalid"),
        ("units", 2**70, "max_value"),
        ("from", "gold", "invalid_choice"),
        ("from", 1, "invalid_choice"),
        ("to", ["stars"], "invalid_choice"),
        ("to", None, "null"),
        ("user_id", "user_nok", "unknown_field"),
        ("price", 1, "unknown_field"),
    ],
)
def test_an_unusable_field_is_named(
    buy: Callable[..., Any], give: Callable[..., Any], field: str, value: Any, code: str
) -> None:
    give(coins=100)
    response = buy({**TWO_STARS, field: value})
    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(field, code)]


def test_the_largest_purchase_at_the_highest_price_is_refused_not_broken(
    buy: Callable[..., Any], give: Callable[..., Any]
) -> None:
    give(coins=1_000_000_000)
    ExchangeRate.objects.update(price=1_000_000_000)
    response = buy({**TWO_STARS, "units": 1_000_000_000})
    assert response.json()["code"] == "insufficient_balance"


def test_an_exchange_needs_a_signed_in_person(db: Any) -> None:
    response = Browser().post("rewards/exchange", TWO_STARS, **{"Idempotency-Key": "one"})
    assert (response.status_code, response.json()["code"]) == (401, "token_missing")


def test_an_exchange_costs_at_most_eight_statements(
    buy: Callable[..., Any], give: Callable[..., Any]
) -> None:
    give(coins=100)
    buy()  # the first request makes this browser known
    with statements() as sent:
        assert buy().status_code == 201
    assert len(sent) <= 8, sent


def test_a_purchase_of_nothing_is_a_programming_error(ploys_id: int) -> None:
    with pytest.raises(ValueError, match="Cannot buy"):
        exchange(user_id=ploys_id, from_="coins", to="stars", units=0, key="k", actor="a", now=NOW)


def test_a_pair_without_rate_is_refused_by_the_service(ploys_id: int) -> None:
    with pytest.raises(NoRate):
        exchange(user_id=ploys_id, from_="exp", to="stars", units=1, key="k", actor="a", now=NOW)


def test_the_rates_are_those_in_force(ploys_browser: Browser) -> None:
    ExchangeRate.objects.create(from_currency="exp", to_currency="coins", price=9, is_active=False)
    ploys_browser.get("rewards/rates")  # the first request makes this browser known
    with statements() as sent:
        response = ploys_browser.get("rewards/rates")
    assert response.json() == {"results": [{"from": "coins", "to": "stars", "price": 15}]}
    assert len(sent) <= 3, sent


def test_the_rates_are_for_signed_in_people(db: Any) -> None:
    assert Browser().get("rewards/rates").json()["code"] == "token_missing"
