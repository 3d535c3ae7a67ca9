"""The ledger in the admin: read by staff, changed by nobody."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from rewards.models import Balance, Entry, ExchangeRate, RewardRule, Transaction
from rewards.services import reverse_transaction
from tests.rewards.conftest import NOW
from tests.statements import statements

LEDGER = {"transaction": Transaction, "entry": Entry, "balance": Balance}


@pytest.fixture
def given(give: Callable[..., Transaction]) -> Transaction:
    return give(coins=5_000, stars=3)


@pytest.mark.parametrize("name", LEDGER)
def test_the_ledger_is_shown(aree: Client, given: Transaction, name: str) -> None:
    row = LEDGER[name].objects.first()
    assert row
    listed = aree.get(f"/admin/rewards/{name}/")
    assert listed.status_code == 200
    assert "5,000" in listed.content.decode()
    assert aree.get(f"/admin/rewards/{name}/{row.pk}/change/").status_code == 200


def test_a_transaction_is_shown_with_its_entries(aree: Client, given: Transaction) -> None:
    reverse_transaction(transaction=given, reason="Mistake", key="r", actor="aree", now=NOW)
    page = aree.get(f"/admin/rewards/transaction/{given.pk}/change/").content.decode()
    assert "house: Issued" in page
    assert "+3 stars, +5,000 coins" in page
    assert "reversal" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize("name", LEDGER)
def test_the_ledger_is_changed_at_no_address(aree: Client, given: Transaction, name: str) -> None:
    row = LEDGER[name].objects.first()
    assert row
    before = list(LEDGER[name].objects.values())
    body = {"amount": "1", "memo": "x", "_save": "Save", "post": "yes"}
    for address in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert aree.post(f"/admin/rewards/{name}/{address}", body).status_code == 403
    for address in ("add/", f"{row.pk}/delete/"):
        assert aree.get(f"/admin/rewards/{name}/{address}").status_code == 403
    aree.post(
        f"/admin/rewards/{name}/",
        {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
    )
    assert list(LEDGER[name].objects.values()) == before


@pytest.mark.parametrize("name", LEDGER)
def test_the_ledger_offers_no_action(aree: Client, given: Transaction, name: str) -> None:
    assert "delete_selected" not in aree.get(f"/admin/rewards/{name}/").content.decode()


@pytest.mark.parametrize(
    "term", ["user_ploy", "PLOY@example.com", "plo", "Cha", "given 0", "{id}", " user_ploy "]
)
def test_a_transaction_is_found(aree: Client, given: Transaction, term: str) -> None:
    User.objects.filter(clerk_id="user_ploy").update(email="ploy@example.com", last_name="Chai")
    page = aree.get("/admin/rewards/transaction/", {"q": term.format(id=given.pk)})
    assert str(given.pk) in page.content.decode()


@pytest.mark.parametrize("name", LEDGER)
@pytest.mark.parametrize("term", ["nobody", "\x00", "%", "'"])
def test_a_search_for_what_is_not_there_is_no_error(
    aree: Client, given: Transaction, name: str, term: str
) -> None:
    assert aree.get(f"/admin/rewards/{name}/", {"q": term}).status_code == 200


@pytest.mark.parametrize("name", LEDGER)
def test_a_list_costs_the_same_however_long(
    aree: Client, give: Callable[..., Transaction], name: str
) -> None:
    give(coins=1)
    with statements() as short:
        aree.get(f"/admin/rewards/{name}/")
    for number in range(10):
        stranger = User.objects.create(clerk_id=f"user_{number}")
        Balance.objects.create(user=stranger, currency="coins", amount=0)
        give(coins=1, stars=1)
    with statements() as long:
        aree.get(f"/admin/rewards/{name}/")
    assert len(long) == len(short) <= 8, long


def test_a_list_counts_no_whole_table(aree: Client, given: Transaction) -> None:
    with statements() as sent:
        aree.get("/admin/rewards/transaction/")
    assert all("LIMIT" in sql for sql in sent if "COUNT(" in sql)


def test_the_list_is_narrowed_by_kind(aree: Client, given: Transaction) -> None:
    page = aree.get("/admin/rewards/transaction/", {"kind": "spend"}).content.decode()
    assert str(given.pk) not in page
    page = aree.get("/admin/rewards/transaction/", {"kind": "grant"}).content.decode()
    assert str(given.pk) in page


def test_a_rule_is_changed_and_switched_off_but_not_deleted(aree: Client) -> None:
    rule = RewardRule.objects.get(name="Welcome")
    body = {
        "name": "Welcome", "trigger": "user.provisioned", "threshold": 1, "period": "once",
        "stars": 0, "free_points": 4, "coins": 0, "exp": 0,
    }  # fmt: skip
    assert aree.post(f"/admin/rewards/rewardrule/{rule.pk}/change/", body).status_code == 302
    rule.refresh_from_db()
    assert (rule.free_points, rule.is_active) == (4, False)
    assert aree.post(f"/admin/rewards/rewardrule/{rule.pk}/delete/").status_code == 403


def test_a_rule_takes_no_negative_or_excessive_amount(aree: Client) -> None:
    rule = RewardRule.objects.get(name="Welcome")
    for amount in (-1, 10**30, "three"):
        page = aree.post(f"/admin/rewards/rewardrule/{rule.pk}/change/", {"coins": amount})
        assert page.status_code == 200
    rule.refresh_from_db()
    assert rule.coins == 0


def test_a_rate_is_replaced_by_another_and_its_price_stays(aree: Client) -> None:
    old = ExchangeRate.objects.get()
    new = {"from_currency": "coins", "to_currency": "stars", "price": 20, "is_active": "on"}
    refused = aree.post("/admin/rewards/exchangerate/add/", new)
    assert "Deactivate the active rate of this pair first." in refused.content.decode()
    aree.post(f"/admin/rewards/exchangerate/{old.pk}/change/", {"price": 99})
    assert aree.post("/admin/rewards/exchangerate/add/", new).status_code == 302
    rates = ExchangeRate.objects.order_by("pk").values_list("price", "is_active")
    assert list(rates) == [(15, False), (20, True)]
    assert aree.post(f"/admin/rewards/exchangerate/{old.pk}/delete/").status_code == 403
