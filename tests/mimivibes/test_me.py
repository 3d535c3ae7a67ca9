"""`GET /me`: the caller, from all three apps, in three queries."""

import pytest

from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.story import invited
from tests.statements import statements

pytestmark = pytest.mark.django_db

NOTHING = {"stars": 0, "free_points": 0, "coins": 0, "exp": 0}


def test_somebody_new_is_known_and_welcomed_at_once() -> None:
    ploy = newcomer("Ploy", email="ploy@example.com", email_verified=True)

    me = Browser().sign_in(ploy).me()

    assert me.pop("created_at").endswith("Z")
    assert len(me.pop("referral_code")) >= 8
    assert me == {
        "id": "user_ploy",
        "display_name": "Ploy",
        "email": "ploy@example.com",
        "image_url": me["image_url"],
        "balances": {**NOTHING, "free_points": 3},
        "credits": 3,
        "attribution": None,
    }


def test_credits_are_stars_and_free_points(noks_code: str, ploy: Person) -> None:
    me = invited(ploy, noks_code).me()

    assert me["balances"] == {**NOTHING, "stars": 1, "free_points": 3}
    assert me["credits"] == 4


@pytest.mark.parametrize("is_invited", [True, False])
def test_it_takes_at_most_three_queries(noks_code: str, ploy: Person, is_invited: bool) -> None:
    browser = invited(ploy, noks_code) if is_invited else Browser().sign_in(ploy)
    browser.me()

    with statements() as sent:
        browser.me()

    assert len(sent) <= 3


def test_it_takes_at_most_three_queries_in_header_mode_too(ploy: Person) -> None:
    browser = Browser(header_mode=True).sign_in(ploy)
    browser.me()

    with statements() as sent:
        browser.me()

    assert len(sent) <= 3


def test_a_visitor_is_told_to_sign_in() -> None:
    response = Browser().get("me")

    refused(response, 401, "token_missing")
    assert response["WWW-Authenticate"].startswith("Bearer")
