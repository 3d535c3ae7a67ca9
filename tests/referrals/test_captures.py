"""`POST /referrals/captures`: an opened invitation is stored for who opened it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from referrals.models import BrowserSession, Capture
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person
from tests.problems import field_errors, refused
from tests.referrals.story import open_captures_of, user_of
from tests.settings import APP_ORIGIN
from tests.statements import statements

pytestmark = pytest.mark.django_db


def test_a_visitor_stores_a_code_for_their_browser_session(noks_code: str) -> None:
    response = Browser().open_link(noks_code.lower())

    assert response.status_code == 201
    stored = response.json()
    assert stored["code"] == noks_code
    assert stored["scope"] == "browser_session"
    captured_at, expires_at = (parse_datetime(stored[k]) for k in ("captured_at", "expires_at"))
    assert expires_at - captured_at == timedelta(days=30)
    assert stored["captured_at"].endswith("Z")
    assert stored["expires_at"].endswith("Z")


def test_somebody_signed_in_stores_it_for_themselves(noks_code: str, ploy: Person) -> None:
    response = Browser().sign_in(ploy).open_link(noks_code)

    assert response.status_code == 201
    assert response.json()["scope"] == "user"
    assert open_captures_of(ploy) == [noks_code]


@pytest.mark.parametrize("signed_in", [False, True])
def test_opening_it_again_renews_it(noks_code: str, ploy: Person, signed_in: bool) -> None:
    browser = Browser()
    if signed_in:
        browser.sign_in(ploy)
    first = browser.open_link(noks_code).json()

    again = browser.open_link(noks_code)

    assert again.status_code == 200
    assert again.json()["captured_at"] > first["captured_at"]
    capture = Capture.objects.get()
    assert capture.first_opened_at < capture.opened_at


def test_the_same_code_in_another_browser_is_another_capture(noks_code: str) -> None:
    assert Browser().open_link(noks_code).status_code == 201
    assert Browser().open_link(noks_code).status_code == 201


def test_an_expired_one_begins_anew(noks_code: str, browser: Browser) -> None:
    browser.open_link(noks_code)
    long_ago = timezone.now() - timedelta(days=40)
    Capture.objects.update(
        first_opened_at=long_ago, opened_at=long_ago, expires_at=long_ago + timedelta(days=30)
    )

    assert browser.open_link(noks_code).status_code == 200

    capture = Capture.objects.get()
    assert capture.first_opened_at == capture.opened_at > long_ago


def test_the_terms_say_how_long_it_is_kept(noks_code: str) -> None:
    TermsFactory(capture_days=3)

    stored = Browser().open_link(noks_code).json()

    lifetime = parse_datetime(stored["expires_at"]) - parse_datetime(stored["captured_at"])
    assert lifetime == timedelta(days=3)


def test_one_does_not_store_ones_own_code(noks_code: str, nok: Person) -> None:
    response = Browser().sign_in(nok).open_link(noks_code)

    refused(response, 422, "own_code")
    assert not Capture.objects.exists()


def test_a_code_that_is_not_in_use_is_not_stored(browser: Browser) -> None:
    inactive = ReferralCodeFactory(is_active=False).code
    deleted = ReferralCodeFactory(owner__deleted=True).code

    for code in ("NOSUCHCODE", inactive, deleted):
        response = browser.open_link(code)
        refused(response, 404, "code_not_found")
        assert "X-Browser-Session" not in response
    assert not Capture.objects.exists()
    assert not BrowserSession.objects.exists()


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", f"{APP_ORIGIN}.evil.com", "http://testserver:81"]
)
def test_another_site_does_not_stuff_codes_into_a_browser(noks_code: str, origin: str) -> None:
    response = Browser().post("referrals/captures", {"code": noks_code}, Origin=origin)

    refused(response, 403, "origin_not_allowed")
    assert "X-Browser-Session" not in response
    assert not Capture.objects.exists()


@pytest.mark.parametrize("origin", [APP_ORIGIN, "http://testserver"])
def test_the_web_app_and_this_host_may_store(noks_code: str, origin: str) -> None:
    response = Browser().post("referrals/captures", {"code": noks_code}, Origin=origin)

    assert response.status_code == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_what_a_form_could_send_is_not_read(noks_code: str, content_type: str) -> None:
    response = Browser().client.generic(
        "POST",
        "/api/v1/referrals/captures",
        json.dumps({"code": noks_code}),
        content_type=content_type,
    )

    refused(response, 415, "unsupported_media_type")
    assert not Capture.objects.exists()


def test_where_one_landed_is_kept_without_query_fragment_and_password(noks_code: str) -> None:
    url = f"https://me:secret@app.example.com/welcome?ref={noks_code}&token=abc#email=a@b.c"

    Browser().post(
        "referrals/captures",
        {"code": noks_code, "landing_url": url, "utm": {"source": "line", "content": ""}},
    )

    capture = Capture.objects.get()
    assert capture.landing_url == "https://app.example.com/welcome"
    assert capture.utm == {"source": "line", "content": ""}


@pytest.mark.parametrize("url", ["http://[", "https://[::1", "//[/a"])
def test_a_landing_url_that_is_none_is_an_error(noks_code: str, url: str) -> None:
    response = Browser().post("referrals/captures", {"code": noks_code, "landing_url": url})

    assert field_errors(response) == {"landing_url": "invalid"}
    assert not Capture.objects.exists()


@pytest.mark.parametrize(
    ("extra", "errors"),
    [
        ({"user_id": "user_ploy"}, {"user_id": "unknown_field"}),
        ({"utm": {"sauce": "line"}}, {"utm.sauce": "unknown_field"}),
        ({"utm": "line"}, {"utm": "invalid"}),
        ({"utm": {"source": 3}}, {"utm.source": "invalid"}),
        ({"utm": {"source": "x" * 201}}, {"utm.source": "max_length"}),
        ({"landing_url": "https://a/" + "x" * 2048}, {"landing_url": "max_length"}),
        ({"landing_url": 5, "utm": None}, {"landing_url": "invalid", "utm": "null"}),
    ],
)
def test_bad_input_is_named_field_by_field(
    noks_code: str, extra: dict[str, Any], errors: dict[str, str]
) -> None:
    response = Browser().post("referrals/captures", {"code": noks_code, **extra})

    assert field_errors(response) == errors
    assert not Capture.objects.exists()


def test_a_visitors_first_capture_takes_at_most_four_queries(noks_code: str) -> None:
    browser = Browser()

    with statements() as sent:
        assert browser.open_link(noks_code).status_code == 201

    assert len(sent) <= 4


def test_a_second_code_and_a_renewal_take_at_most_four_queries(noks_code: str) -> None:
    browser, other = Browser(), ReferralCodeFactory().code
    browser.open_link(noks_code)

    for code, status in ((other, 201), (noks_code, 200)):
        with statements() as sent:
            assert browser.open_link(code).status_code == status
        assert len(sent) <= 4


def test_a_signed_in_capture_takes_at_most_four_queries(noks_code: str, ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    browser.me()

    for status in (201, 200):
        with statements() as sent:
            assert browser.open_link(noks_code).status_code == status
        assert len(sent) <= 4


def test_a_code_opened_while_signed_in_stays_with_the_person(
    noks_code: str, browser: Browser, ploy: Person, mali: Person
) -> None:
    browser.sign_in(ploy).open_link(noks_code)

    browser.sign_out().sign_in(mali).me()

    assert open_captures_of(ploy) == [noks_code]
    assert open_captures_of(mali) == []
    assert Capture.objects.get().user == user_of(ploy)
