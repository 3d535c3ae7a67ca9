"""Profiles and creation times from Clerk's Backend API, played by a local server."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.clerk import backend
from accounts.models import ClerkSync, User
from accounts.services import erase_user, provision_user
from accounts.signals import account_age_learned
from tests.accounts.clerk_server import ClerkServer
from tests.accounts.heard import heard
from tests.clerk import user_object

pytestmark = pytest.mark.django_db

BORN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def waits(settings: Any, clerk: ClerkServer, monkeypatch: Any) -> list[float]:
    """Point the client at the local server; record its waits instead of waiting."""
    settings.CLERK_SECRET_KEY = "sk_test_key"
    settings.CLERK_API_URL = clerk.url
    seconds: list[float] = []
    monkeypatch.setattr(backend, "sleep", seconds.append)
    return seconds


def members(count: int) -> list[dict[str, Any]]:
    return [
        user_object(f"user_{n}", first_name=f"N{n}", created_at=BORN + timedelta(minutes=n))
        for n in range(count)
    ]


def run(*options: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    code = 0
    try:
        call_command("sync_clerk_users", "--json", *options, stdout=out)
    except SystemExit as stop:
        code = int(str(stop.code))
    return code, json.loads(out.getvalue())


def test_all_goes_through_every_page_the_oldest_account_first(clerk: ClerkServer) -> None:
    clerk.users = members(7)

    code, report = run("--all", "--page-size", "3")

    assert (code, report["seen"], report["updated"]) == (0, 7, 7)
    assert User.objects.count() == 7
    assert [request["query"]["offset"] for request in clerk.requests] == [
        ["0"],
        ["3"],
        ["6"],
        ["7"],
    ]
    assert clerk.requests[0]["query"]["order_by"] == ["+created_at"]
    assert clerk.requests[0]["headers"]["Authorization"] == ("Bearer sk_test_key")
    assert ClerkSync.objects.get().finished_at


def test_missing_asks_only_for_whom_clerk_has_not_described(clerk: ClerkServer) -> None:
    clerk.users = members(5)
    now = timezone.now()
    provision_user(clerk_id="user_1", now=now)
    provision_user(clerk_id="user_left", now=now)
    erase_user(clerk_id="user_2", now=now)

    with heard(account_age_learned) as aged:
        code, report = run()

    assert (code, report["updated"], report["not_in_clerk"]) == (0, 1, 1)
    assert clerk.requests[0]["query"]["user_id"] == ["user_1", "user_left"]
    user = User.objects.get(clerk_id="user_1")
    assert (user.first_name, user.account_created_at) == ("N1", BORN + timedelta(minutes=1))
    assert [fact["user"] for fact in aged] == [user]
    assert User.objects.count() == 3


def test_missing_goes_in_hundreds(clerk: ClerkServer) -> None:
    clerk.users = members(150)
    User.objects.bulk_create(User(clerk_id=f"user_{n}") for n in range(150))

    assert run("--missing")[1]["updated"] == 150
    assert len(clerk.requests) == 2
    assert run("--missing")[1]["seen"] == 0


def test_a_second_run_changes_nothing(clerk: ClerkServer) -> None:
    clerk.users = members(3)
    run("--all")

    assert run("--all")[1]["unchanged"] == 3


def test_retry_after_is_obeyed(clerk: ClerkServer, waits: list[float]) -> None:
    clerk.users = members(1)
    clerk.troubles = [(429, {"Retry-After": "7"}), (429, {"Retry-After": "soon"}), 429]

    code, report = run("--all")

    assert (code, report["updated"]) == (0, 1)
    assert waits == [7, 2, 4]


def test_an_http_date_is_understood_and_no_wait_is_endless(
    clerk: ClerkServer, waits: list[float]
) -> None:
    clerk.users = members(1)
    clerk.troubles = [
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        (503, {"Retry-After": "86400"}),
    ]

    assert run("--all")[0] == 0
    assert waits == [0, backend.LONGEST_WAIT]


def test_failures_that_pass_are_waited_out(
    clerk: ClerkServer, waits: list[float], monkeypatch: Any
) -> None:
    monkeypatch.setattr(backend, "TIMEOUT", 0.2)
    clerk.users = members(1)
    clerk.troubles = [500, 502, "silence"]

    assert run("--all")[0] == 0
    assert waits == [1, 2, 4]


def test_failures_that_stay_end_the_run_which_goes_on_where_it_was(
    clerk: ClerkServer, waits: list[float]
) -> None:
    clerk.users = members(4)
    clerk.troubles = [None, *[500] * backend.ATTEMPTS]

    code, report = run("--all", "--page-size", "2")

    assert (code, report["seen"]) == (1, 2)
    assert "500" in report["error"]
    assert len(waits) == backend.ATTEMPTS - 1
    clerk.requests.clear()

    code, report = run("--all", "--page-size", "2")

    assert (code, report["resumed_at"], report["seen"]) == (0, 2, 2)
    assert clerk.requests[0]["query"]["offset"] == ["2"]
    assert User.objects.count() == 4


def test_a_run_broken_off_long_ago_is_not_taken_up(clerk: ClerkServer) -> None:
    clerk.users = members(2)
    ClerkSync.objects.create(started_at=timezone.now() - timedelta(days=2), next_offset=2)

    assert run("--all")[1]["seen"] == 2


@pytest.mark.parametrize("trouble", [401, 403, 404, b"not json", b'{"data": []}'])
def test_what_waiting_does_not_help_fails_at_once(
    trouble: Any, clerk: ClerkServer, waits: list[float]
) -> None:
    clerk.troubles = [trouble]

    code, report = run("--all")

    assert code == 1
    assert report["error"]
    assert waits == []


def test_an_odd_user_keeps_nobody_else_out(clerk: ClerkServer) -> None:
    clerk.troubles = [json.dumps([None, {"id": None}, *members(1)]).encode()]

    code, report = run("--all")

    assert (code, report["unusable"], report["updated"]) == (0, 2, 1)


def test_without_a_secret_key_it_is_wrong_use(settings: Any) -> None:
    settings.CLERK_SECRET_KEY = ""

    with pytest.raises(CommandError, match="CLERK_SECRET_KEY") as refusal:
        call_command("sync_clerk_users", "--all")
    assert refusal.value.returncode == 2
