"""Who a signed-in request is, at first sight and later (legacy fault 19)."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import provision_user
from accounts.signals import account_age_learned, user_provisioned
from tests.accounts.heard import heard
from tests.accounts.requests import assert_problem, call
from tests.clerk import session_token
from tests.people import Person
from tests.statements import statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_alone")]


def test_a_first_request_makes_the_person(ploy: Person) -> None:
    with heard(user_provisioned) as announced:
        response = call("person", token=ploy.token())

    assert response.json()["clerk_id"] == "user_ploy"
    user = User.objects.get(clerk_id="user_ploy")
    assert user.first_name == "Ploy"
    assert not user.has_usable_password()
    assert [fact["user"] for fact in announced] == [user]


@pytest.mark.parametrize("path", ["public", "service", "nowhere"])
def test_legacy_19_any_endpoint_provisions_even_one_that_refuses(path: str, ploy: Person) -> None:
    call(path, token=ploy.token())

    assert User.objects.filter(clerk_id="user_ploy").exists()


def test_legacy_19_nobody_is_made_by_halves(ploy: Person) -> None:
    """Who listens to `user_provisioned` makes code and welcome reward, or there is no user."""

    def failing(**fact: Any) -> None:
        raise RuntimeError

    user_provisioned.connect(failing)
    try:
        assert call("person", token=ploy.token()).status_code == 500
    finally:
        user_provisioned.disconnect(failing)

    assert not User.objects.exists()
    assert call("person", token=ploy.token()).status_code == 200


def test_a_known_person_costs_one_query(ploy: Person) -> None:
    call("person", token=ploy.token())

    with statements() as sent:
        call("person", token=ploy.token())

    assert len(sent) == 1


def test_a_visitor_costs_no_query() -> None:
    with statements() as sent:
        assert call("public").json() == {"caller": None}

    assert sent == []


def test_first_sight_is_one_look_and_one_round_trip(ploy: Person) -> None:
    receivers, user_provisioned.receivers = user_provisioned.receivers, []
    user_provisioned.sender_receivers_cache.clear()
    try:
        with statements() as sent:
            call("person", token=ploy.token())
    finally:
        user_provisioned.receivers = receivers
        user_provisioned.sender_receivers_cache.clear()

    assert [statement.split()[0] for statement in sent] == ["SELECT", "INSERT"]


def test_sign_in_is_asked_for() -> None:
    response = call("person")

    assert_problem(response, 401, "token_missing")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("field", "code"), [("deleted_at", "account_deleted"), ("banned_at", "account_banned")]
)
@pytest.mark.parametrize("path", ["person", "public"])
def test_whoever_is_gone_is_refused(path: str, field: str, code: str) -> None:
    now = timezone.now()
    User.objects.create(clerk_id="user_somchai", created_at=now, **{field: now})

    response = call(path, token=session_token("user_somchai", first_name="Somchai"))

    assert_problem(response, 403, code)
    assert User.objects.get().first_name == ""


def test_claims_fill_what_is_empty_once() -> None:
    call("person", token=session_token("user_ploy"))
    token = session_token(
        "user_ploy",
        email="ploy@example.com",
        email_verified=True,
        first_name="Ploy",
        last_name="Lee",
        image_url="https://img.example.com/p.png",
    )

    with statements() as filling:
        call("person", token=token)
    with statements() as filled:
        call("person", token=session_token("user_ploy", first_name="Somebody", email="else@x.com"))

    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("Ploy", "Lee")
    assert (user.email, user.email_verified) == ("ploy@example.com", True)
    assert [statement.split()[0] for statement in filling] == ["SELECT", "UPDATE"]
    assert len(filled) == 1


def test_an_email_is_verified_only_when_the_token_says_so_of_that_address() -> None:
    call("person", token=session_token("user_ploy", email="ploy@example.com"))
    call("person", token=session_token("user_ploy", email="new@example.com", email_verified=True))
    assert not User.objects.get().email_verified

    call("person", token=session_token("user_ploy", email="ploy@example.com", email_verified=True))
    assert User.objects.get().email_verified


@pytest.mark.parametrize("unit", [1, 1000], ids=["seconds", "milliseconds"])
def test_the_age_of_the_account_is_learned_in_either_unit(unit: int) -> None:
    call("person", token=session_token("user_ploy"))
    at = int(time.time()) - 60

    with heard(account_age_learned) as announced:
        for _ in range(2):
            call("person", token=session_token("user_ploy", account_created_at=at * unit))

    assert User.objects.get().account_created_at == datetime.fromtimestamp(at, UTC)
    assert len(announced) == 1


MALFORMED: list[Any] = [None, True, [], {}, ["a"], "\x00", " ", -1, 0, 10**30, 1e300, 1.5]


@pytest.mark.parametrize(
    "claim",
    ["email", "email_verified", "first_name", "last_name", "image_url", "account_created_at"],
)
@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_a_malformed_custom_claim_is_ignored(claim: str, value: Any) -> None:
    assert call("person", token=session_token("user_ploy", **{claim: value})).status_code == 200

    user = User.objects.get()
    assert (user.email, user.email_verified, user.first_name) == ("", False, "")
    assert (user.last_name, user.image_url) == ("", "")
    assert user.account_created_at is None or user.account_created_at.year == 1970


def test_custom_claims_are_cleaned_to_what_can_be_stored() -> None:
    token = session_token(
        "user_ploy",
        first_name=" Pl\x00oy\ud800 ",
        last_name="L" * 300,
        email="x" * 400 + "@example.com",
        image_url="javascript:alert(1)",
        account_created_at=int(time.time()) + 86_400,
    )

    assert call("person", token=token).status_code == 200

    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("Ploy", "L" * 255)
    assert (user.email, user.image_url, user.account_created_at) == ("", "", None)


def test_provision_user_returns_the_same_person_again() -> None:
    with heard(user_provisioned) as announced:
        first = provision_user(clerk_id="user_mali", now=timezone.now())
        again = provision_user(clerk_id="user_mali", now=timezone.now())

    assert first == again
    assert len(announced) == 1


def test_provision_user_returns_a_tombstone_too() -> None:
    now = timezone.now()
    User.objects.create(clerk_id="user_mali", created_at=now, deleted_at=now)

    assert provision_user(clerk_id="user_mali", now=now).is_gone
