"""One person in two tabs and on two devices; a link that is one's own, or too old."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.models import User
from referrals.models import Attribution, BrowserSession, Capture, UserDevice
from tests.journeys.over_http import AT_ONCE, Site, at_once
from tests.people import Person

YEAR = timedelta(days=365)


def _the_captures_run_out() -> None:
    Capture.objects.update(
        first_opened_at=F("first_opened_at") - YEAR,
        opened_at=F("opened_at") - YEAR,
        expires_at=F("expires_at") - YEAR,
    )


def test_two_tabs_share_what_either_opens(site: Site, noks_link: str, ploy: Person) -> None:
    first = site.browser()
    second = site.browser(jar=first.jar)

    first.open_link(noks_link)

    assert second.get("referrals/captures/current").json()["capture"]["code"] == noks_link
    assert second.sign_in(ploy).claim().status_code == 201
    assert first.sign_in(ploy).claim().status_code == 200


def test_tabs_that_open_and_sign_in_at_once_lose_nothing_to_each_other(
    site: Site, noks_link: str, ploy: Person
) -> None:
    first = site.browser()
    first.open_link(noks_link)
    tabs = [site.browser(jar=first.jar).sign_in(ploy) for _ in range(AT_ONCE)]

    answers = at_once([tab.claim if n % 2 else tab.me for n, tab in enumerate(tabs)])

    assert len(answers) == AT_ONCE
    assert first.sign_in(ploy).claim().json()["attribution"]["code"] == noks_link
    assert Attribution.objects.count() == 1


def test_of_two_people_in_two_tabs_at_once_exactly_one_gets_what_was_opened(
    site: Site, noks_link: str, ploy: Person, mali: Person
) -> None:
    first = site.browser()
    first.open_link(noks_link)
    tabs = [site.browser(jar=dict(first.jar)).sign_in(person) for person in (ploy, mali)] * 4

    answers = at_once([tab.claim for tab in tabs])

    attributed = {
        tab.person.clerk_id
        for tab, answer in zip(tabs, answers, strict=True)
        if answer.json()["attribution"] and tab.person
    }
    assert len(attributed) == 1
    assert {a.referee.clerk_id for a in Attribution.objects.all()} == attributed


def test_a_capture_follows_its_user_to_another_device(
    site: Site, noks_link: str, ploy: Person
) -> None:
    phone, laptop = site.browser().sign_in(ploy), site.browser(header_mode=True).sign_in(ploy)
    phone.open_link(noks_link)

    assert laptop.get("referrals/captures/current").json()["capture"]["scope"] == "user"
    assert laptop.claim().status_code == 201
    assert phone.get("referrals/captures/current").json() == {"capture": None}
    assert UserDevice.objects.filter(user__clerk_id=ploy.clerk_id).count() == 2


def test_an_invitation_opened_on_the_referrers_own_device_is_held(
    site: Site, nok: Person, ploy: Person
) -> None:
    browser = site.browser()
    code = browser.sign_in(nok).me()["referral_code"]
    browser.sign_out().open_link(code)

    claimed = browser.sign_in(ploy).claim()

    assert claimed.json()["attribution"]["status"] == "held"
    assert browser.me()["balances"]["stars"] == 0


@pytest.mark.parametrize("header_mode", [False, True], ids=["cookie", "header"])
def test_ones_own_link_stores_nothing_signed_in_or_out(
    site: Site, ploy: Person, header_mode: bool
) -> None:
    browser = site.browser(header_mode=header_mode)
    code = browser.sign_in(ploy).me()["referral_code"]

    assert browser.open_link(code).json()["code"] == "own_code"
    browser.sign_out().open_link(code)

    assert browser.sign_in(ploy).claim().json() == {"attribution": None}
    assert browser.get("referrals/captures/current").json() == {"capture": None}


@pytest.mark.parametrize("signed_in", [False, True])
def test_an_expired_capture_is_neither_shown_nor_claimed_until_opened_again(
    site: Site, noks_link: str, ploy: Person, signed_in: bool
) -> None:
    browser = site.browser()
    if signed_in:
        browser.sign_in(ploy)
    browser.open_link(noks_link)
    _the_captures_run_out()

    assert browser.get("referrals/captures/current").json() == {"capture": None}
    assert browser.sign_in(ploy).claim().json() == {"attribution": None}

    browser.open_link(noks_link)
    assert browser.claim().status_code == 201


def test_a_browser_keeps_its_session_until_somebody_signs_in(
    site: Site, noks_link: str, somchais_link: str, ploy: Person
) -> None:
    browser = site.browser()
    browser.open_link(noks_link)
    before = browser.browser_session
    assert "X-Browser-Session" not in browser.open_link(somchais_link).headers
    assert BrowserSession.objects.count() == 1

    browser.sign_in(ploy).me()

    assert browser.browser_session != before
    assert User.objects.get(clerk_id=ploy.clerk_id).captures.count() == 2
