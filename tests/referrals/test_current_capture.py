"""`GET` and `DELETE /referrals/captures/current`: one's own captures and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import Capture, ClosedReason, ReferralCode
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person
from tests.referrals.story import open_captures_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def current(browser: Browser) -> str | None:
    response = browser.get("referrals/captures/current")
    assert response.status_code == 200
    capture = response.json()["capture"]
    return capture and str(capture["code"])


def test_a_visitor_sees_what_their_browser_session_holds(noks_code: str) -> None:
    browser = Browser()
    stored = browser.open_link(noks_code).json()

    shown = browser.get("referrals/captures/current").json()["capture"]

    assert shown == stored


def test_a_person_sees_what_they_opened_signed_in(noks_code: str, ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    browser.open_link(noks_code)

    shown = browser.get("referrals/captures/current").json()["capture"]

    assert (shown["code"], shown["scope"]) == (noks_code, "user")


def test_there_is_nothing_at_first(ploy: Person) -> None:
    assert current(Browser()) is None
    assert current(Browser().sign_in(ploy)) is None


def test_nobody_sees_what_another_browser_holds(noks_code: str) -> None:
    Browser().open_link(noks_code)

    assert current(Browser()) is None


def test_a_persons_captures_follow_to_other_devices(noks_code: str, ploy: Person) -> None:
    phone, laptop = Browser(), Browser()
    phone.open_link(noks_code)
    phone.sign_in(ploy).me()

    assert current(laptop.sign_in(ploy)) == noks_code


def test_the_visitor_after_a_person_sees_nothing(
    noks_code: str, browser: Browser, ploy: Person, mali: Person
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()
    browser.sign_out()

    assert current(browser) is None
    assert current(browser.sign_in(mali)) is None
    assert current(browser.sign_in(ploy)) == noks_code


def test_the_last_opened_is_shown_by_default(noks_code: str, browser: Browser) -> None:
    other = ReferralCodeFactory().code
    for code in (noks_code, other, noks_code):
        browser.open_link(code)

    assert current(browser) == noks_code


def test_the_first_opened_is_shown_if_the_terms_say_so(noks_code: str, browser: Browser) -> None:
    TermsFactory(touch="first")
    other = ReferralCodeFactory().code
    for code in (noks_code, other, noks_code, other):
        browser.open_link(code)

    assert current(browser) == noks_code


def test_an_expired_one_is_not_shown(noks_code: str, browser: Browser) -> None:
    other = ReferralCodeFactory().code
    browser.open_link(other)
    browser.open_link(noks_code)
    Capture.objects.filter(code__code=noks_code).update(expires_at=timezone.now())

    assert current(browser) == other


def test_a_code_gone_out_of_use_is_not_shown(noks_code: str, browser: Browser) -> None:
    browser.open_link(noks_code)
    ReferralCode.objects.update(is_active=False)

    assert current(browser) is None


def test_looking_takes_one_query_and_none_with_nothing_stored(noks_code: str) -> None:
    browser = Browser()
    with statements() as sent:
        current(browser)
    assert sent == []
    browser.open_link(noks_code)

    with statements() as sent:
        current(browser)

    assert len(sent) == 1


def test_forgetting_clears_a_visitors_own(noks_code: str, browser: Browser) -> None:
    other = Browser()
    for each in (browser, other):
        each.open_link(noks_code)

    response = browser.delete("referrals/captures/current")

    assert (response.status_code, response.content) == (204, b"")
    assert current(browser) is None
    assert current(other) == noks_code
    assert Capture.objects.filter(closed_reason=ClosedReason.FORGOTTEN).count() == 1


def test_forgetting_clears_a_persons_own_on_every_device(noks_code: str, ploy: Person) -> None:
    phone, laptop = Browser().sign_in(ploy), Browser().sign_in(ploy)
    phone.open_link(noks_code)

    laptop.delete("referrals/captures/current")

    assert current(phone) is None


def test_forgetting_leaves_those_of_others_in_the_same_browser(
    noks_code: str, browser: Browser, ploy: Person, mali: Person
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()

    for somebody_else in (browser.sign_out(), browser.sign_in(mali)):
        assert somebody_else.delete("referrals/captures/current").status_code == 204

    assert open_captures_of(ploy) == [noks_code]


def test_forgetting_signed_in_takes_what_the_browser_held_too(
    noks_code: str, browser: Browser, ploy: Person
) -> None:
    browser.open_link(noks_code)

    browser.sign_in(ploy).delete("referrals/captures/current")

    assert current(browser) is None
    assert current(browser.sign_out()) is None


def test_forgetting_nothing_is_fine(ploy: Person) -> None:
    assert Browser().delete("referrals/captures/current").status_code == 204
    assert Browser().sign_in(ploy).delete("referrals/captures/current").status_code == 204


def test_a_forgotten_code_can_be_opened_again(noks_code: str, browser: Browser) -> None:
    browser.open_link(noks_code)
    browser.delete("referrals/captures/current")

    assert browser.open_link(noks_code).status_code == 201
    assert Capture.objects.get(closed_at=None).opened_at > timezone.now() - timedelta(minutes=1)


def test_an_expired_capture_begins_anew_when_it_is_adopted_again(
    noks_code: str, ploy: Person
) -> None:
    """By the first touch it counts from its second opening, behind what was opened meanwhile."""
    TermsFactory(touch="first")
    browser, other = Browser(), ReferralCodeFactory().code
    browser.sign_in(ploy).open_link(noks_code)
    long_ago = timezone.now() - timedelta(days=40)
    Capture.objects.update(first_opened_at=long_ago, opened_at=long_ago, expires_at=long_ago)
    browser.open_link(other)
    browser.sign_out().open_link(noks_code)

    assert current(browser.sign_in(ploy)) == other
    assert open_captures_of(ploy) == sorted([noks_code, other])
