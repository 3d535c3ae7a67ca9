"""Clerk's webhooks come before the claim, after it, twice, or never."""

from datetime import UTC, datetime, timedelta

import pytest

from referrals.models import Attribution
from rewards.services import verify_ledger
from tests.clerk import event, user_object
from tests.journeys.over_http import AT_ONCE, Service, Site, at_once
from tests.people import Person

UNKNOWN_AGE = Person("user_ploy")
PAID = {"stars": 1, "free_points": 3, "coins": 0, "exp": 0}
WELCOME = {"stars": 0, "free_points": 3, "coins": 0, "exp": 0}


def _created(person: Person, *, age: timedelta = timedelta(minutes=1)) -> dict[str, object]:
    at = datetime.now(UTC) - age
    return event("user.created", user_object(person.clerk_id, first_name="Ploy", created_at=at))


def _deleted(person: Person) -> dict[str, object]:
    return event("user.deleted", {"id": person.clerk_id, "object": "user", "deleted": True})


def test_a_webhook_before_the_first_request_lets_the_claim_through_at_once(
    site: Site, noks_link: str
) -> None:
    assert site.deliver(_created(UNKNOWN_AGE)).json() == {"status": "processed"}
    browser = site.browser()
    browser.open_link(noks_link)

    claimed = browser.sign_in(UNKNOWN_AGE).claim()

    assert claimed.json()["attribution"]["status"] == "pending"
    assert browser.me()["balances"] == PAID
    assert browser.me()["display_name"] == "Ploy"


def test_a_webhook_after_the_claim_releases_it_and_pays_once(site: Site, noks_link: str) -> None:
    browser = site.browser()
    browser.open_link(noks_link)
    assert browser.sign_in(UNKNOWN_AGE).claim().json()["attribution"]["status"] == "held"
    assert browser.me()["balances"] == WELCOME
    delivery = _created(UNKNOWN_AGE)

    first = site.deliver(delivery, svix_id="msg_1")
    again = site.deliver(delivery, svix_id="msg_1")
    resent_as_another = site.deliver(delivery, svix_id="msg_2")

    told = [answer.json()["status"] for answer in (first, again, resent_as_another)]
    assert told == ["processed", "duplicate", "ignored"]
    assert browser.me()["attribution"]["status"] == "pending"
    assert browser.me()["balances"] == PAID
    assert verify_ledger() == []


def test_a_webhook_that_tells_of_an_old_account_rejects_the_held_claim(
    site: Site, noks_link: str
) -> None:
    browser = site.browser()
    browser.sign_in(UNKNOWN_AGE).claim(noks_link)

    site.deliver(_created(UNKNOWN_AGE, age=timedelta(days=400)))

    assert browser.me()["attribution"]["status"] == "rejected"
    assert browser.claim(noks_link).json()["code"] == "attribution_rejected"
    assert browser.me()["balances"] == WELCOME


def test_a_claim_stays_held_and_pays_nobody_while_no_webhook_comes(
    site: Site, service: Service, nok: Person, noks_link: str
) -> None:
    browser = site.browser()
    browser.sign_in(UNKNOWN_AGE).claim(noks_link)

    reported = service.report("reading-1", UNKNOWN_AGE.clerk_id)

    assert reported.json()["attribution_status"] == "held"
    assert site.browser().sign_in(nok).me()["balances"] == WELCOME
    assert Attribution.objects.get().status == "held"


def test_no_webhook_is_needed_when_the_token_tells_the_age(
    site: Site, noks_link: str, ploy: Person
) -> None:
    browser = site.browser()
    browser.open_link(noks_link)

    assert browser.sign_in(ploy).claim().json()["attribution"]["status"] == "pending"


def test_requests_webhooks_and_events_of_a_new_person_all_at_once_make_one_person(
    site: Site, service: Service, noks_link: str
) -> None:
    browsers = [site.browser().sign_in(UNKNOWN_AGE) for _ in range(AT_ONCE // 4)]
    deliveries = [_created(UNKNOWN_AGE)] * (AT_ONCE // 4)

    answers = at_once(
        [
            *(browser.me for browser in browsers),
            *(lambda b=browser: b.claim(noks_link) for browser in browsers),
            *(lambda d=delivery: site.deliver(d) for delivery in deliveries),
            *(lambda n=n: service.report(f"r-{n}", UNKNOWN_AGE.clerk_id) for n in range(4)),
        ]
    )

    assert all(not hasattr(a, "status_code") or a.status_code < 300 for a in answers)
    me = browsers[0].me()
    assert me["attribution"]["status"] == "rewarded"
    assert me["balances"] == {"stars": 1, "free_points": 3 + 2, "coins": 0, "exp": 0}
    assert verify_ledger() == []


def test_a_deleted_referrer_is_refused_and_their_code_is_gone(
    site: Site, nok: Person, noks_link: str, ploy: Person
) -> None:
    browser = site.browser()
    browser.open_link(noks_link)

    assert site.deliver(_deleted(nok)).json() == {"status": "processed"}

    refused = site.browser().sign_in(nok).get("me")
    assert (refused.status_code, refused.json()["code"]) == (403, "account_deleted")
    for asked in ("referrals/validate", "referrals/captures"):
        answer = site.browser().post(asked, {"code": noks_link})
        assert (answer.status_code, answer.json()["code"]) == (404, "code_not_found")
    claimed = browser.sign_in(ploy).claim(noks_link)
    assert (claimed.status_code, claimed.json()["code"]) == (404, "code_not_found")
    assert browser.get("referrals/captures/current").json() == {"capture": None}


@pytest.mark.parametrize("late", ["user.created", "user.updated"])
def test_nothing_resurrects_who_was_deleted(
    site: Site, service: Service, ploy: Person, late: str
) -> None:
    site.browser().sign_in(ploy).me()
    site.deliver(_deleted(ploy))

    site.deliver(event(late, user_object(ploy.clerk_id, first_name="Ploy")))
    service.report("reading-1", ploy.clerk_id)

    assert site.browser().sign_in(ploy).get("me").json()["code"] == "account_deleted"
    assert service.spend(ploy.clerk_id, 1, key="s").json()["code"] == "insufficient_balance"
    assert verify_ledger() == []


def test_a_forged_delivery_changes_nothing(site: Site, ploy: Person) -> None:
    site.browser().sign_in(ploy).me()

    forged = site.client().post("/api/v1/webhooks/clerk", json=_deleted(ploy))

    assert (forged.status_code, forged.json()["code"]) == (400, "signature_invalid")
    assert site.browser().sign_in(ploy).get("me").status_code == 200
