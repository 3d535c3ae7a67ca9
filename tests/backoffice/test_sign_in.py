"""The way into the back office: who is let in, how often one may try, how long one stays."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import provision_user
from backoffice.models import SignInAttempts
from backoffice.sign_in.throttle import (
    KEPT,
    MOST_FOR_A_NAME,
    MOST_FROM_AN_ADDRESS,
    WINDOW,
    LockedOut,
    begin_attempt,
)
from tests.backoffice.door import LOGIN, PASSWORD, browser_of, hired, is_let_in, knock, set_up
from tests.parallel import race
from tests.people import Browser, Person
from tests.referrals.story import user_of

pytestmark = pytest.mark.django_db
ELSEWHERE = "198.51.100.9"


@pytest.fixture
def aree(db: Any) -> User:
    return hired()


@pytest.fixture
def signed_in(aree: User) -> Client:
    return browser_of(aree)


def try_often(times: int = MOST_FOR_A_NAME, **fields: Any) -> list[Any]:
    return [knock(password=f"guess {n}", **fields) for n in range(times)]


def let_time_pass(time: timedelta) -> None:
    """Make all that was counted so much older."""
    SignInAttempts.objects.update(since=F("since") - time)


def told(response: Any) -> list[str]:
    return list(response.context["form"].non_field_errors())


def test_staff_come_in_by_username_and_password(aree: User) -> None:
    assert is_let_in(knock())


def test_a_stranger_learns_nothing_from_what_is_refused(ploy: Person) -> None:
    """No account, a wrong password, a person of Clerk's, no staff, inactive, no code: all alike."""
    factor = User.objects.create_user("with_factor", PASSWORD)
    set_up(browser_of(factor), factor)
    hired()
    User.objects.create_user("former", PASSWORD, is_active=False)
    User.objects.create_user("clerk_at_desk", PASSWORD, is_staff=False)
    Browser().sign_in(ploy).me()

    refused = [
        knock("nobody_at_all"),
        knock("aree", "wrong"),
        knock("aree", "wrong", code="123456"),
        knock(ploy.clerk_id, "!"),
        knock(user_of(ploy).email or "ploy@example.com"),
        knock("former"),
        knock("clerk_at_desk"),
        knock("with_factor"),
        knock("with_factor", code="000000"),
        knock("with_factor", "wrong", code="000000"),
    ]

    assert {response.status_code for response in refused} == {200}
    assert len({tuple(told(response)) for response in refused}) == 1
    assert told(refused[0])


def test_a_clerk_token_or_cookie_gives_nothing_in_the_back_office(
    ploy: Person, settings: Any
) -> None:
    """The same two sign the person in to the API."""
    settings.CLERK_COOKIE_AUTH = True
    by_token = Client(headers={"Authorization": f"Bearer {ploy.token()}"})
    by_cookie = Client()
    by_cookie.cookies["__session"] = ploy.token()

    for client in (by_token, by_cookie):
        assert client.get("/api/v1/me").status_code == 200
        page = client.get("/admin/")
        assert page.status_code == 302
        assert page["Location"].startswith(LOGIN)
        assert client.get(LOGIN).status_code == 200
        assert "admin_session" not in "".join(client.cookies)


def test_a_person_of_clerks_has_no_password_that_could_be_guessed(ploy: Person) -> None:
    Browser().sign_in(ploy).me()

    assert not user_of(ploy).has_usable_password()
    assert not user_of(ploy).check_password("")
    assert not user_of(ploy).check_password(user_of(ploy).password)


@pytest.mark.parametrize("right", [{"is_staff": True}, {"is_superuser": True}, {"username": "x"}])
def test_the_database_refuses_to_make_a_person_of_clerks_staff(right: dict[str, Any]) -> None:
    user = provision_user(clerk_id="user_somchai", now=timezone.now())

    with pytest.raises(IntegrityError, match="user_of_clerk_is_not_staff"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(**right)


def test_a_member_of_staff_needs_a_username(signed_in: Client, aree: User) -> None:
    """The admin says so, and does not leave it to the database."""
    User.objects.filter(pk=aree.pk).update(is_superuser=True)
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    changed = signed_in.post(f"/admin/accounts/user/{aree.pk}/change/", {"is_staff": "on"})
    added = signed_in.post("/admin/accounts/user/add/", passwords)

    assert "username" in changed.context["adminform"].form.errors
    assert "username" in added.context["adminform"].form.errors


def test_the_right_password_is_refused_after_too_many_wrong_ones(aree: User) -> None:
    try_often()

    refused = knock()

    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= WINDOW.total_seconds()
    assert "15 minutes" in refused.content.decode()


def test_who_is_locked_out_may_try_again_later(aree: User) -> None:
    try_often(MOST_FOR_A_NAME + 3)
    let_time_pass(WINDOW)

    assert is_let_in(knock())


def test_whoever_guesses_arees_password_does_not_lock_her_out_elsewhere(aree: User) -> None:
    try_often(MOST_FOR_A_NAME + 1)

    assert is_let_in(knock(address=ELSEWHERE))


def test_a_name_that_is_nobodys_is_locked_like_any_other() -> None:
    try_often(username="nobody_at_all")

    assert knock("nobody_at_all").status_code == 429


def test_capital_letters_do_not_make_it_another_name(aree: User) -> None:
    try_often(username="AREE")

    assert knock("aree").status_code == 429


def test_an_address_is_locked_out_whatever_names_it_tries(aree: User) -> None:
    for number in range(MOST_FROM_AN_ADDRESS):
        knock(f"name {number}")
    rows = SignInAttempts.objects.count()

    assert knock("aree").status_code == 429
    assert knock("one more name").status_code == 429
    assert is_let_in(knock(address=ELSEWHERE))
    assert SignInAttempts.objects.exclude(count=0).count() == rows


def test_addresses_of_one_ipv6_network_count_as_one(aree: User) -> None:
    for number in range(MOST_FOR_A_NAME):
        knock(password="guess", address=f"2001:db8::{number + 1}")

    assert knock(address="2001:db8::ffff").status_code == 429
    assert is_let_in(knock(address="2001:db8:1::1"))


def test_an_invented_forwarded_address_is_no_way_around(aree: User) -> None:
    for number in range(MOST_FOR_A_NAME):
        Client().post(
            LOGIN,
            {"username": "aree", "password": "guess"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
            REMOTE_ADDR="203.0.113.1",
        )

    assert knock().status_code == 429


def test_signing_in_forgets_the_slips_before_it(aree: User) -> None:
    try_often(MOST_FOR_A_NAME - 1)
    assert is_let_in(knock())

    try_often(MOST_FOR_A_NAME - 1)
    assert is_let_in(knock())


def test_an_account_of_ones_own_does_not_buy_more_guesses_at_others(aree: User) -> None:
    User.objects.create_user("somchai", PASSWORD)
    try_often(MOST_FOR_A_NAME)

    assert is_let_in(knock("somchai"))
    assert knock("aree").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_no_more_than_others() -> None:
    now = timezone.now()
    guess = partial(begin_attempt, username="aree", address="203.0.113.1", now=now)

    outcomes = race([guess] * (MOST_FOR_A_NAME + 3))

    assert sum(isinstance(outcome, LockedOut) for outcome in outcomes) == 3


def test_what_was_typed_and_from_where_is_not_kept(aree: User) -> None:
    knock("my mail@example.com", "my other password")

    columns = {field.name for field in SignInAttempts._meta.fields}
    keys = SignInAttempts.objects.values_list("key", flat=True)
    assert columns == {"key", "count", "since"}
    assert {len(key) for key in keys} == {64}


def test_the_hash_of_an_address_is_another_on_another_day() -> None:
    today = datetime(2026, 11, 22, 12, tzinfo=timezone.get_default_timezone())

    first = begin_attempt(username="aree", address="203.0.113.1", now=today)
    second = begin_attempt(username="aree", address="203.0.113.1", now=today + timedelta(days=1))

    assert {first.name_key, first.address_key}.isdisjoint({second.name_key, second.address_key})


def test_what_is_long_over_goes_when_somebody_signs_in(aree: User) -> None:
    try_often(2, address=ELSEWHERE)
    let_time_pass(KEPT + timedelta(minutes=1))
    knock()

    assert SignInAttempts.objects.count() == 1


def test_a_form_that_is_not_filled_in_is_no_attempt(aree: User) -> None:
    knock(password="")

    assert not SignInAttempts.objects.exists()


def test_guesses_of_the_old_password_count_too(signed_in: Client) -> None:
    def guess(old: str) -> Any:
        new = {"new_password1": "another good one", "new_password2": "another good one"}
        return signed_in.post("/admin/password_change/", {"old_password": old, **new})

    for number in range(MOST_FOR_A_NAME):
        assert guess(f"guess {number}").status_code == 200

    assert guess(PASSWORD).status_code == 429


def session_of(client: Client) -> Any:
    return Session.objects.get(session_key=client.session.session_key)


def test_a_session_ends_so_many_hours_after_signing_in_however_busy(
    signed_in: Client, settings: Any
) -> None:
    began = session_of(signed_in)
    session = signed_in.session
    session["something"] = "changes, which makes Django write it"
    session.save()

    assert session_of(signed_in).expire_date == began.expire_date
    length = began.expire_date - timezone.now()
    assert timedelta(hours=11, minutes=59) < length <= timedelta(hours=12)


def seen(client: Client, *, minutes_ago: int) -> None:
    session = client.session
    session["seen_at"] = int(timezone.now().timestamp()) - minutes_ago * 60
    session.save()


def test_who_does_nothing_for_long_signs_in_again(signed_in: Client) -> None:
    seen(signed_in, minutes_ago=61)

    page = signed_in.get("/admin/accounts/user/?q=ploy")

    assert page["Location"] == "/admin/login/?next=/admin/accounts/user/%3Fq%3Dploy"
    assert not Session.objects.exists()


def test_who_does_something_now_and_then_stays_signed_in(signed_in: Client) -> None:
    for _ in range(3):
        seen(signed_in, minutes_ago=59)
        assert signed_in.get("/admin/").status_code == 200


def test_sessions_are_not_written_at_every_click(signed_in: Client) -> None:
    before = signed_in.session["seen_at"]
    session = signed_in.session
    session["seen_at"] = before - 30
    session.save()

    signed_in.get("/admin/")

    assert signed_in.session["seen_at"] == before - 30


def test_a_new_password_signs_out_everywhere_else(signed_in: Client, aree: User) -> None:
    elsewhere = browser_of(aree)
    new = {"new_password1": "another good one", "new_password2": "another good one"}

    signed_in.post("/admin/password_change/", {"old_password": PASSWORD, **new})

    assert signed_in.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_the_cookies_of_staff_are_for_the_back_office_alone(aree: User) -> None:
    client = Client()
    client.get(LOGIN)
    knock(client=client)

    cookies = {name: dict(morsel) for name, morsel in client.cookies.items()}
    assert set(cookies) == {"__Secure-admin_session", "__Secure-csrftoken"}
    for cookie in cookies.values():
        assert cookie["path"] == "/admin/"
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ADMIN_SESSION_HOURS", 0),
        ("ADMIN_SESSION_HOURS", 24 * 365),
        ("ADMIN_SESSION_IDLE_MINUTES", 0),
        ("ADMIN_SESSION_IDLE_MINUTES", 24 * 60),
    ],
)
def test_a_length_of_sessions_that_is_none_is_named(
    setting: str, value: int, settings: Any
) -> None:
    from mimivibes.checks import session_settings

    setattr(settings, setting, value)

    assert [error for error in session_settings() if setting in error.msg]
