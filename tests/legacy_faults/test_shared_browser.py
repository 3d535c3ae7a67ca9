"""A shared browser: faults 7 to 11."""

from unittest.mock import patch

import pytest

from tests.factories import ReferralCodeFactory
from tests.people import Browser, Person
from tests.problems import refused

pytestmark = pytest.mark.django_db


def test_fault_07_a_code_opened_by_one_visitor_is_not_claimed_by_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()
    browser.sign_out()

    assert browser.sign_in(mali).claim().json() == {"attribution": None}
    assert browser.sign_in(ploy).claim().status_code == 201


def test_fault_08_a_claim_clears_only_ones_own_and_a_reload_does_not_refill_it_for_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    browser.open_link(noks_code)  # the address bar still shows the link, and the page reloads
    browser.sign_out()

    assert browser.get("referrals/captures/current").json() == {"capture": None}
    assert browser.sign_in(mali).claim().json() == {"attribution": None}


def test_fault_09_opening_ones_own_link_leaves_nothing_to_inherit(
    noks_code: str, nok: Person, ploy: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(nok).me()
    refused(browser.open_link(noks_code), 422, "own_code")

    assert browser.sign_in(ploy).claim().json() == {"attribution": None}


def test_fault_10_what_is_shown_is_what_is_claimed_and_nothing_is_done_for_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    other = ReferralCodeFactory().code
    for code in (noks_code, other):
        browser.open_link(code)
    shown = browser.sign_in(ploy).get("referrals/captures/current").json()["capture"]["code"]
    assert browser.claim().json()["attribution"]["code"] == shown == other

    browser.sign_out()
    browser.open_link(noks_code)
    assert browser.sign_in(mali).claim().status_code == 201


def test_fault_11_a_claim_that_was_cut_off_is_made_later(
    noks_code: str, ploy: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    with patch("referrals.views.people.claim_referral", side_effect=ConnectionError):
        assert browser.sign_in(ploy).claim().status_code == 500

    assert Browser().sign_in(ploy).claim().status_code == 201
