"""`GET /referrals/status` and `GET /referrals/invited`: what an inviter sees."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from referrals.models import ReferralCode, Status
from referrals.services.attributions import reverse_attribution
from tests.factories import AttributionFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited
from tests.statements import statements

pytestmark = pytest.mark.django_db

NOTHING = {"stars": 0, "free_points": 0, "coins": 0, "exp": 0}


@pytest.fixture
def inviter(nok: Person, noks_code: str) -> Browser:
    return Browser(address="198.51.100.7").sign_in(nok)


def status(browser: Browser) -> dict[str, Any]:
    response = browser.get("referrals/status")
    assert response.status_code == 200
    return dict(response.json())


def test_at_first_there_is_a_code_and_nothing_else(inviter: Browser, noks_code: str) -> None:
    assert status(inviter) == {
        "code": noks_code,
        "share_url": f"https://app.example.com/?ref={noks_code}",
        "stats": {
            "invited": 0,
            "held": 0,
            "pending": 0,
            "qualified": 0,
            "rewarded": 0,
            "rejected": 0,
            "reversed": 0,
        },
        "earned": NOTHING,
        "recent": [],
    }


def test_everybody_counts_where_they_stand(inviter: Browser, noks_code: str) -> None:
    code, now = ReferralCode.objects.get(code=noks_code), timezone.now()
    # Made under terms that pay nothing, so that the ledger owes nobody.
    terms = TermsFactory(referee_stars=0, referrer_coins=0)
    for number, state in enumerate(Status.values, 1):
        for _ in range(number):
            AttributionFactory(
                code=code,
                status=state,
                terms=terms,
                qualified_at=now,
                release_at=now,
                rewarded_at=now,
            )

    assert status(inviter)["stats"] == {
        "invited": 1 + 2 + 3 + 4,
        "held": 1,
        "pending": 2,
        "qualified": 3,
        "rewarded": 4,
        "rejected": 5,
        "reversed": 6,
    }


def test_what_was_earned_is_read_from_the_ledger_net_of_reversals(
    inviter: Browser, noks_code: str, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    for guest in (ploy, mali):
        invited(guest, noks_code)
        back_end.report(guest)
    assert status(inviter)["earned"] == {**NOTHING, "coins": 100}

    reverse_attribution(
        attribution=attribution_of(mali), actor="aree", reason="Abuse", now=timezone.now()
    )

    assert status(inviter)["earned"] == {**NOTHING, "coins": 50}


def test_the_ten_newest_claims_come_first(inviter: Browser, noks_code: str) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    for age in (5, 1, 3, 2, 4, 6, 7, 8, 9, 10, 11, 12):
        AttributionFactory(
            code=code,
            claimed_at=timezone.now() - timedelta(hours=age),
            referee__first_name=f"Guest{age}",
        )

    recent = status(inviter)["recent"]

    assert [row["display_name"] for row in recent] == [f"Guest{age}" for age in range(1, 11)]
    assert set(recent[0]) == {"display_name", "status", "claimed_at", "rewarded_at"}


def test_guests_are_shown_by_first_name_only(inviter: Browser, noks_code: str) -> None:
    guest = newcomer("Ploy", first_name="Ploy", last_name="Jaidee", email="ploy@example.com")
    invited(guest, noks_code)

    text = inviter.get("referrals/status").content + inviter.get("referrals/invited").content

    for secret in (b"Jaidee", b"ploy@example.com", b"user_ploy"):
        assert secret not in text


def test_nobody_sees_the_guests_of_others(inviter: Browser, noks_code: str, ploy: Person) -> None:
    browser = invited(ploy, noks_code)

    assert status(browser)["recent"] == []
    assert browser.get("referrals/invited").json()["results"] == []


def test_it_costs_the_same_for_many_guests_as_for_one(inviter: Browser, noks_code: str) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    inviter.me()
    costs = []
    for more in (1, 30):
        AttributionFactory.create_batch(more, code=code)
        for path in ("referrals/status", "referrals/invited?page_size=100"):
            with statements() as sent:
                assert inviter.get(path).status_code == 200
            costs.append(len(sent))

    assert costs[:2] == costs[2:]
    assert costs[0] <= 5
    assert costs[1] <= 2


def test_the_list_goes_on_page_by_page(inviter: Browser, noks_code: str) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    at = timezone.now()
    for _ in range(7):  # all at the same moment: the id decides
        AttributionFactory(code=code, claimed_at=at)

    pages, path = [], "referrals/invited?page_size=3"
    while path:
        page = inviter.get(path).json()
        pages.append(page["results"])
        path = page["next"] and page["next"].partition("/api/v1/")[2]

    assert [len(page) for page in pages] == [3, 3, 1]
    back = page["previous"].partition("/api/v1/")[2]
    assert inviter.get(back).json()["results"] == pages[1]


@pytest.mark.parametrize(("asked", "given"), [("0", 20), ("-1", 20), ("x", 20), ("1000", 100)])
def test_page_size_stays_within_bounds(
    inviter: Browser, noks_code: str, asked: str, given: int
) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    AttributionFactory.create_batch(101, code=code)

    page = inviter.get(f"referrals/invited?page_size={asked}").json()

    assert len(page["results"]) == given


@pytest.mark.parametrize("cursor", ["x", "cD0x", "bz0tMQ==", "cD1ub3QtYS1kYXRl", "%F0%9F"])
def test_a_forged_cursor_is_not_found(inviter: Browser, cursor: str) -> None:
    refused(inviter.get(f"referrals/invited?cursor={cursor}"), 404, "not_found")


@pytest.mark.parametrize("path", ["referrals/status", "referrals/invited"])
def test_a_visitor_is_told_to_sign_in(path: str) -> None:
    refused(Browser().get(path), 401, "token_missing")
