"""The browser session: who it belongs to, and what becomes of it at sign-in."""

from typing import Any
from unittest.mock import patch

import pytest
from django.test import override_settings

from referrals.browser_session import COOKIE, BrowserToken
from referrals.models import BrowserSession, Capture, UserDevice
from tests.factories import ReferralCodeFactory
from tests.people import Browser, Person
from tests.problems import refused
from tests.referrals.story import code_of, open_captures_of, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def token_of(browser: Browser) -> BrowserToken:
    token = BrowserToken.read(browser.client.cookies[COOKIE].value)
    assert token is not None
    return token


def test_a_visitor_gets_none_before_there_is_something_to_store(noks_code: str) -> None:
    browser = Browser()

    for response in (
        browser.post("referrals/validate", {"code": noks_code}),
        browser.get("referrals/rewards"),
        browser.get("referrals/captures/current"),
        browser.delete("referrals/captures/current"),
    ):
        assert "X-Browser-Session" not in response
        assert COOKIE not in response.cookies


def test_the_first_capture_issues_it_by_cookie_and_header(noks_code: str) -> None:
    response = Browser().open_link(noks_code)

    cookie = response.cookies[COOKIE]
    assert response["X-Browser-Session"] == cookie.value
    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert int(cookie["max-age"]) == 400 * 24 * 3600


def test_in_development_the_cookie_needs_no_tls(noks_code: str) -> None:
    with override_settings(DEBUG=True):
        response = Browser().open_link(noks_code)

    assert response.cookies[COOKIE]["secure"] == ""


def test_it_is_not_sent_again_while_it_stays_the_same(noks_code: str, browser: Browser) -> None:
    browser.open_link(noks_code)

    for response in (browser.open_link(noks_code), browser.get("referrals/captures/current")):
        assert "X-Browser-Session" not in response
        assert COOKIE not in response.cookies


def test_the_value_tells_nothing_of_the_person(browser: Browser, ploy: Person) -> None:
    browser.sign_in(ploy).me()

    value = browser.client.cookies[COOKIE].value
    assert "ploy" not in value.lower()
    assert token_of(browser).recorded_for != user_of(ploy).pk.to_bytes(8, "big")


def test_the_first_signed_in_request_records_the_device(browser: Browser, ploy: Person) -> None:
    browser.sign_in(ploy).me()

    device = UserDevice.objects.get()
    assert (device.user, device.device_id) == (user_of(ploy), token_of(browser).device_id)


def test_later_requests_of_the_same_person_cost_no_query_for_it(
    browser: Browser, ploy: Person
) -> None:
    browser.sign_in(ploy).me()

    with statements() as sent:
        browser.me()

    assert len(sent) <= 3
    tables = ("referrals_browsersession", "referrals_userdevice", "referrals_capture")
    assert not [s for s in sent if any(f'"{table}"' in s for table in tables)]


def test_each_person_on_a_device_is_recorded_once(
    browser: Browser, ploy: Person, mali: Person
) -> None:
    for person in (ploy, mali, ploy, mali):
        browser.sign_in(person).me()

    assert UserDevice.objects.count() == 2
    assert UserDevice.objects.values("device_id").distinct().count() == 1


def test_after_adoption_the_browser_has_a_fresh_session_on_the_same_device(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    browser.open_link(noks_code)
    before = token_of(browser)

    response = browser.sign_in(ploy).get("me")

    after = token_of(browser)
    assert "X-Browser-Session" in response
    assert after.session_id != before.session_id
    assert after.device_id == before.device_id
    assert not after.holds_captures
    assert open_captures_of(ploy) == [noks_code]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "me", None, 200),
        ("GET", "no/such/path", None, 404),
        ("GET", "referrals/claim", None, 405),
        ("POST", "referrals/claim", "{not json", 400),
        ("POST", "referrals/claim", {"code": 1}, 400),
        ("POST", "referrals/claim", {"code": "NOSUCHCODE"}, 404),
        ("POST", "events", {}, 401),
        ("OPTIONS", "me", None, 405),
        ("HEAD", "me", None, 405),
    ],
)
def test_any_signed_in_request_adopts_refused_ones_too(
    noks_code: str,
    browser: Browser,
    ploy: Person,
    mali: Person,
    method: str,
    path: str,
    body: Any,
    status: int,
) -> None:
    browser.open_link(noks_code)

    response = browser.sign_in(ploy).request(method, path, body)

    assert response.status_code in {status, 200}
    assert open_captures_of(ploy) == [noks_code]
    assert browser.sign_in(mali).claim().json() == {"attribution": None}


def test_a_request_outside_the_api_adopts_nothing(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    browser.open_link(noks_code)

    browser.client.get("/livez", headers={"Authorization": f"Bearer {ploy.token()}"})

    assert Capture.objects.get().user is None


def test_a_request_with_a_bad_token_adopts_nothing(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    browser.open_link(noks_code)
    expired = Person(ploy.clerk_id, {"exp": 1})

    refused(browser.sign_in(expired).get("me"), 401, "token_expired")

    assert Capture.objects.get().user is None
    assert browser.sign_out().get("referrals/captures/current").json()["capture"] is not None


def test_header_mode_works_without_cookies(noks_code: str, ploy: Person, mali: Person) -> None:
    browser = Browser(header_mode=True)
    browser.open_link(noks_code)
    opened_with = browser.browser_session

    browser.sign_in(ploy).me()

    assert open_captures_of(ploy) == [noks_code]
    assert browser.browser_session != opened_with
    assert browser.sign_in(mali).claim().json() == {"attribution": None}


def test_the_header_wins_over_the_cookie(noks_code: str, ploy: Person) -> None:
    by_cookie, by_header = Browser(), Browser(header_mode=True)
    other = ReferralCodeFactory().code
    by_cookie.open_link(noks_code)
    by_header.open_link(other)

    by_cookie.sign_in(ploy).get("me", **{"X-Browser-Session": by_header.browser_session or ""})

    assert open_captures_of(ploy) == [other]


FORGED = ["", "x", "AAAA:BBBB", "é", "a" * 5000, "null", "%00", "::", "=" * 60]


@pytest.mark.parametrize("value", FORGED)
def test_a_forged_header_is_replaced_not_obeyed(
    noks_code: str, browser: Browser, ploy: Person, value: str
) -> None:
    browser.open_link(noks_code)

    anonymous = browser.get("referrals/captures/current", **{"X-Browser-Session": value})
    signed_in = browser.sign_in(ploy).get("me", **{"X-Browser-Session": value})

    assert anonymous.json() == {"capture": None}
    assert signed_in.status_code == 200
    assert signed_in["X-Browser-Session"] != value
    assert open_captures_of(ploy) == []


@pytest.mark.parametrize("value", FORGED)
def test_a_forged_cookie_is_replaced_at_the_next_capture(noks_code: str, value: str) -> None:
    browser = Browser()
    browser.client.cookies[COOKIE] = value.encode("ascii", "ignore").decode()

    response = browser.open_link(noks_code)

    assert response.status_code == 201
    assert BrowserToken.read(response["X-Browser-Session"]) is not None


def test_a_value_changed_by_one_character_is_forged(noks_code: str, browser: Browser) -> None:
    value = browser.open_link(noks_code)["X-Browser-Session"]

    for place in (0, 10, 40, len(value) - 1):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert BrowserToken.read(changed) is None


def test_a_stale_session_shows_and_gives_nothing(
    noks_code: str, browser: Browser, ploy: Person, mali: Person
) -> None:
    stale = browser.open_link(noks_code)["X-Browser-Session"]
    browser.sign_in(ploy).me()
    thief = Browser(header_mode=True)
    thief.browser_session = stale

    assert thief.get("referrals/captures/current").json() == {"capture": None}
    assert thief.delete("referrals/captures/current").status_code == 204
    assert thief.sign_in(mali).claim().json() == {"attribution": None}

    assert open_captures_of(ploy) == [noks_code]
    assert open_captures_of(mali) == []
    assert thief.browser_session != stale


def test_a_code_opened_in_a_stale_session_goes_into_a_fresh_one(
    noks_code: str, browser: Browser, ploy: Person, mali: Person
) -> None:
    stale = browser.open_link(noks_code)["X-Browser-Session"]
    browser.sign_in(ploy).me()
    visitor = Browser(header_mode=True)
    visitor.browser_session = stale
    other = ReferralCodeFactory().code

    assert visitor.open_link(other).status_code == 201
    visitor.sign_in(mali).me()

    assert visitor.browser_session != stale
    assert open_captures_of(ploy) == [noks_code]
    assert open_captures_of(mali) == [other]
    assert BrowserSession.objects.count() == 2


def test_an_answer_lost_on_the_way_costs_nothing(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    before = browser.open_link(noks_code)["X-Browser-Session"]
    browser.sign_in(ploy).me()
    browser.client.cookies[COOKIE] = before

    assert browser.claim().status_code == 201


def test_ones_own_code_is_dropped_and_the_rest_adopted(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    own = code_of(ploy)
    for code in (own, noks_code):
        browser.open_link(code)

    browser.sign_in(ploy).me()

    assert open_captures_of(ploy) == [noks_code]


def test_a_code_held_already_is_merged_with_the_earliest_and_latest_opening(
    noks_code: str, ploy: Person
) -> None:
    phone, laptop = Browser(), Browser()
    phone.open_link(noks_code)
    laptop.sign_in(ploy).open_link(noks_code)
    phone.open_link(noks_code)
    opened = sorted(
        moment
        for moments in Capture.objects.values_list("first_opened_at", "opened_at")
        for moment in moments
    )

    phone.sign_in(ploy).me()

    held = Capture.objects.get(closed_at=None)
    assert (held.first_opened_at, held.opened_at) == (opened[0], opened[-1])
    assert Capture.objects.get(closed_reason="merged").user is None


def test_api_answers_are_not_cached(noks_code: str, browser: Browser, ploy: Person) -> None:
    for response in (browser.open_link(noks_code), browser.sign_in(ploy).get("me")):
        assert "no-store" in response["Cache-Control"]


def test_a_client_that_keeps_no_cookie_does_not_fill_the_table(ploy: Person) -> None:
    for _ in range(3):
        Browser().sign_in(ploy).me()
    with patch("referrals.services.captures.MOST_DEVICES_PER_USER", 2):
        Browser().sign_in(ploy).me()

    newest = UserDevice.objects.latest("id")
    assert UserDevice.objects.filter(user=user_of(ploy)).count() == 2
    assert UserDevice.objects.filter(pk=newest.pk).exists()
