"""The loop that everything else is for."""

import pytest

from tests.people import Browser, Person

pytestmark = pytest.mark.django_db


def test_a_friend_is_known_attributed_and_rewarded_without_any_webhook(
    noks_code: str, ploy: Person
) -> None:
    browser = Browser()
    assert browser.open_link(noks_code).status_code == 201

    claim = browser.sign_in(ploy).claim()

    assert claim.status_code == 201
    assert claim.json()["attribution"]["referrer"] == {"display_name": "Nok"}
    assert browser.me()["balances"] == {"stars": 1, "free_points": 3, "coins": 0, "exp": 0}
