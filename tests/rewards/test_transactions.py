"""GET /api/v1/rewards/transactions"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from accounts.models import User
from rewards.amounts import Amounts
from rewards.services import grant, reverse_transaction
from tests.people import Browser, Person
from tests.rewards.conftest import NOW
from tests.statements import statements


@pytest.fixture
def ploys_browser(ploys_id: int, ploy: Person) -> Browser:
    return Browser().sign_in(ploy)


def test_the_newest_stands_first(ploys_browser: Browser, give: Callable[..., Any]) -> None:
    given = give(coins=5)
    taken = reverse_transaction(transaction=given, reason="Oops", key="r", actor="a", now=NOW)
    page = ploys_browser.get("rewards/transactions").json()
    assert [row["id"] for row in page["results"]] == [str(taken.pk), str(given.pk)]
    assert page["results"][0] == {
        "id": str(taken.pk),
        "kind": "reversal",
        "amounts": {"stars": 0, "free_points": 0, "coins": -5, "exp": 0},
        "reference": "",
        "memo": "Oops",
        "created_at": "2026-03-01T12:00:00Z",
        "reverses": str(given.pk),
    }
    assert (page["next"], page["previous"]) == (None, None)


def test_nobody_elses_are_shown(ploys_browser: Browser, db: Any) -> None:
    nok = User.objects.create(clerk_id="user_nok")
    grant(user_id=nok.pk, amounts=Amounts(coins=5), kind="grant", key="n", now=NOW)
    assert ploys_browser.get("rewards/transactions").json()["results"] == []


def test_the_pages_hold_every_transaction_once(
    ploys_browser: Browser, give: Callable[..., Any]
) -> None:
    given = [str(give(coins=1).pk) for _ in range(7)]
    seen: list[str] = []
    path = "rewards/transactions?page_size=3"
    while path:
        page = ploys_browser.get(path).json()
        seen += [row["id"] for row in page["results"]]
        path = (page["next"] or "").removeprefix("http://testserver/api/v1/")
    assert seen == given[::-1]


def test_a_page_costs_the_same_however_full(
    ploys_browser: Browser, give: Callable[..., Any]
) -> None:
    for number in range(30):
        give(coins=1, stars=number + 1)
    ploys_browser.get("rewards/transactions")
    with statements() as sent:
        page = ploys_browser.get("rewards/transactions?page_size=100").json()
    assert len(page["results"]) == 30
    assert len(sent) <= 3, sent


@override_settings(TIME_ZONE="Asia/Bangkok")
def test_times_are_utc_wherever_the_server_stands(
    ploys_browser: Browser, give: Callable[..., Any]
) -> None:
    give(coins=1)
    row = ploys_browser.get("rewards/transactions").json()["results"][0]
    assert row["created_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "cursor", ["x", "cD1ub3QtYS10aW1l", "cD0lMDA=", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "%00", "é"]
)
def test_a_forged_cursor_is_no_error_of_ours(
    ploys_browser: Browser, give: Callable[..., Any], cursor: str
) -> None:
    give(coins=1)
    assert ploys_browser.get(f"rewards/transactions?cursor={cursor}").status_code < 500


def test_the_list_is_for_signed_in_people(db: Any) -> None:
    assert Browser().get("rewards/transactions").json()["code"] == "token_missing"
