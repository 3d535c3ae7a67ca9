"""The whole money story, with its figures: the default terms, rules and rate are what is paid."""

from typing import Any

import pytest
from django.utils import timezone

from referrals.models import Attribution
from referrals.services.attributions import reverse_attribution
from rewards.services import verify_ledger
from tests.journeys.over_http import HttpBrowser, Service, Site
from tests.people import Person


def _amounts(**held: int) -> dict[str, int]:
    return {"stars": 0, "free_points": 0, "coins": 0, "exp": 0, **held}


def _exchange(browser: HttpBrowser, units: int, *, key: str) -> Any:
    body = {"from": "coins", "to": "stars", "units": units}
    return browser.post("rewards/exchange", body, **{"Idempotency-Key": key})


def _reverse(service: Service, transaction: str, *, key: str) -> Any:
    path = f"rewards/transactions/{transaction}/reverse"
    return service.post(path, {"reason": "Asked for"}, key=key)


@pytest.fixture
def noks_phone(site: Site, nok: Person, noks_link: str) -> HttpBrowser:
    return site.browser().sign_in(nok)


@pytest.fixture
def ploys_phone(site: Site, ploy: Person, noks_link: str) -> HttpBrowser:
    """Ploy has opened Nok's link, signed in, and claimed."""
    browser = site.browser()
    browser.open_link(noks_link)
    assert browser.sign_in(ploy).claim().status_code == 201
    return browser


def test_invited_rewarded_spent_exchanged_and_reversed(
    service: Service, ploy: Person, nok: Person, noks_phone: HttpBrowser, ploys_phone: HttpBrowser
) -> None:
    assert ploys_phone.me()["balances"] == _amounts(stars=1, free_points=3)
    assert noks_phone.me()["balances"] == _amounts(free_points=3)

    reported = service.report("reading-1", ploy.clerk_id)
    again = service.report("reading-1", ploy.clerk_id)
    assert (reported.status_code, again.status_code) == (201, 200)
    assert reported.json() == again.json()
    assert reported.json()["attribution_status"] == "rewarded"
    assert ploys_phone.me()["balances"] == _amounts(stars=1, free_points=5)
    assert noks_phone.me()["balances"] == _amounts(free_points=3, coins=50)
    status = noks_phone.get("referrals/status").json()
    assert (status["stats"]["rewarded"], status["earned"]) == (1, _amounts(coins=50))

    bought = _exchange(noks_phone, 2, key="buy")
    assert bought.json()["balances"] == _amounts(free_points=3, coins=20, stars=2)
    assert _exchange(noks_phone, 2, key="buy-more").json()["code"] == "insufficient_balance"

    spent = service.spend(nok.clerk_id, 4, key="reading-2")
    assert spent.json()["transaction"]["amounts"] == _amounts(free_points=-3, stars=-1)
    assert spent.json()["balances"] == _amounts(coins=20, stars=1)

    exchange_id, spend_id = (a.json()["transaction"]["id"] for a in (bought, spent))
    too_soon = _reverse(service, exchange_id, key="undo-1")
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "insufficient_balance")
    assert _reverse(service, spend_id, key="undo-2").json()["transaction"]["reverses"] == spend_id
    undone = _reverse(service, exchange_id, key="undo-3")
    assert undone.json()["balances"] == _amounts(free_points=3, coins=50)
    assert _reverse(service, exchange_id, key="undo-4").json()["code"] == "already_reversed"

    listed = noks_phone.get("rewards/transactions").json()["results"]
    assert [line["kind"] for line in listed] == [
        *("reversal", "reversal", "spend", "exchange", "referral_referrer", "reward")
    ]
    assert verify_ledger() == []


def test_a_reversed_attribution_takes_back_what_both_sides_got(
    service: Service, ploy: Person, noks_phone: HttpBrowser, ploys_phone: HttpBrowser
) -> None:
    service.report("reading-1", ploy.clerk_id)

    reverse_attribution(
        attribution=Attribution.objects.get(),
        actor="staff:aree",
        reason="Two accounts of one person",
        now=timezone.now(),
    )

    assert ploys_phone.me()["balances"] == _amounts(free_points=5)
    assert ploys_phone.me()["attribution"]["status"] == "reversed"
    assert noks_phone.me()["balances"] == _amounts(free_points=3)
    status = noks_phone.get("referrals/status").json()
    assert (status["stats"]["invited"], status["stats"]["reversed"]) == (0, 1)
    assert status["earned"] == _amounts()
    assert verify_ledger() == []


def test_readings_before_the_claim_count_and_milestones_are_paid_once_each(
    site: Site, service: Service, ploy: Person, noks_phone: HttpBrowser, noks_link: str
) -> None:
    events = [
        {"id": f"r-{n}", "type": "reading.completed", "user_id": ploy.clerk_id} for n in range(10)
    ]
    first = service.post("events/batch", {"events": events[:6]}).json()["results"]
    second = service.post("events/batch", {"events": events}).json()["results"]
    assert [result["status"] for result in first] == [201] * 6
    assert [result["status"] for result in second] == [200] * 6 + [201] * 4

    phone = site.browser().sign_in(ploy)
    claimed = phone.claim(noks_link)

    assert claimed.json()["attribution"]["status"] == "rewarded"
    assert phone.me()["balances"] == _amounts(stars=1, free_points=3 + 2, coins=25)
    assert noks_phone.me()["balances"] == _amounts(free_points=3, coins=50)
    assert verify_ledger() == []


def test_what_a_service_grants_a_person_can_spend_before_they_ever_came(
    site: Site, service: Service, ploy: Person
) -> None:
    body = {"user_id": ploy.clerk_id, "amounts": {"stars": 5}, "reason": "Bought five"}
    bought = service.post("rewards/grants", body, key="order-1")
    assert bought.json()["balances"] == _amounts(stars=5, free_points=3)

    reader = site.service("rewards:spend")
    assert reader.spend(ploy.clerk_id, 7, key="order-1").status_code == 201
    assert reader.post("rewards/grants", body, key="x").json()["code"] == "scope_missing"

    assert site.browser().sign_in(ploy).me()["credits"] == 1
    assert verify_ledger() == []
