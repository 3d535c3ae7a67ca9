"""Log lines tell what went wrong, not whose data it was."""

import json
import logging
import re
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import RequestFactory

from mimivibes.logs.discretion import discreet, log_user
from mimivibes.logs.formatters import JsonLine, PlainLine
from tests.clerk import session_token

WHO = "somchai told us"
CLERK_ID = "user_2abcDEF3ghiJKL4mnoPQR5stu"


def secrets() -> dict[str, str]:
    """Return what no line may hold, each in words that it might come in."""
    token = session_token(CLERK_ID)
    return {
        token: f"refused Authorization: Bearer {token}",
        token[:60]: f"refused {token[:60]}…",
        "mimi_k3yOfAServiceThatMaySpend": "Api-Key mimi_k3yOfAServiceThatMaySpend",
        "ploy.s@example.co.th": "sent to ploy.s@example.co.th.",
        "PLOY2026": "no code PLOY2026 here",
        "BCDFGHJKM": "BCDFGHJKM was taken",
        "SUMMER": "/?ref=SUMMER and code=SUMMER and {'code': 'SUMMER'}",
        CLERK_ID: f"user:{CLERK_ID}, impersonated by {CLERK_ID}",
        "hunter2": "postgres://app:{}@db.example.com/app".format("hunter2"),
        "s3cr3t": "password='s3cr3t' client_secret: s3cr3t",
        "kept-by-browsers": "Cookie: mimi_browser=kept-by-browsers; csrftoken=kept-by-browsers",
        "bm90aGluZ3RvYmVzZWVu": "svix-signature: v1,bm90aGluZ3RvYmVzZWVu",
        "whsec_bm90aGluZw": "secrets ['whsec_bm90aGluZw']",
    }


SECRETS = secrets()


def a_record(message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    record = logging.LogRecord("mimivibes", logging.ERROR, __file__, 1, message, args, None)
    vars(record).update(extra)
    return record


@pytest.fixture(params=[JsonLine, PlainLine])
def formatter(request: pytest.FixtureRequest) -> logging.Formatter:
    made: logging.Formatter = request.param()
    return made


@pytest.mark.parametrize("secret", SECRETS)
def test_no_line_holds_a_secret_however_it_comes(formatter: logging.Formatter, secret: str) -> None:
    words = SECRETS[secret]
    try:
        raise ValueError(words)
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)

    lines = [
        formatter.format(a_record(words.replace("%", "%%"))),
        formatter.format(a_record("It said %s", words)),
        formatter.format(a_record("It said %r", [words])),
        formatter.format(a_record("It said", answer={"deep": [{"down": words}]})),
        formatter.format(a_record("It failed", exc_info=raised)),
        formatter.format(a_record("It failed", exc_info=None, stack_info=words)),
    ]

    assert [line for line in lines if secret in line] == []


@pytest.mark.parametrize("name", ["token", "email", "Authorization", "api_key", "user_agent"])
def test_what_is_called_a_secret_is_hidden_whatever_it_is(name: str) -> None:
    line = JsonLine().format(a_record("Told", **{name: "plain words"}))

    assert json.loads(line)[name] == "[hidden]"


def test_a_code_is_shortened() -> None:
    line = JsonLine().format(a_record("Told", code="SUMMER"))

    assert json.loads(line)["code"] == "SU…"


@pytest.mark.parametrize(
    "words",
    [
        "GET /api/v1/referrals/claim 409",
        "Unexpected error in ClaimView",
        "mimivibes.access user_provisioned status_code 23505",
        "relation accounts_user does not exist",
        "0af7651916cd43dd8448eb211c80319c 2026-11-22T22:08:30.847+00:00",
        'File "/srv/referrals/rewards/services/posting.py", line 105, in _execute',
        "Is it there? No = never",
    ],
)
def test_what_is_nobodys_stays(words: str) -> None:
    assert discreet(words) == words


@pytest.mark.parametrize(
    "piece", ["a-", "?a", "token", "@a.", "eyJ", "A1", "code=", "://", "DETAIL:\n"]
)
def test_hostile_lengths_take_no_time(piece: str) -> None:
    began = time.perf_counter()
    discreet(piece * 100_000)

    assert time.perf_counter() - began < 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO accounts_user (email) VALUES (%s)",
        "SELECT nothing FROM accounts_user WHERE email = %s",
        "SELECT %s::int",
    ],
)
def test_a_traceback_quotes_no_row_and_no_statement(statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [WHO])
    except DatabaseError as error:
        raised = (type(error), error, error.__traceback__)

    line = JsonLine().format(a_record("It failed", exc_info=raised))

    assert "psycopg.errors." in line
    assert WHO not in line


def test_a_path_is_logged_as_its_route() -> None:
    request = RequestFactory().get("/api/v1/codes/SUMMER?ref=SUMMER")
    record = a_record("Not Found: %s", request.path, request=request, status_code=404)

    assert "SUMMER" not in JsonLine().format(record)


def test_a_line_is_one_line_of_json() -> None:
    line = JsonLine().format(a_record("Two\nlines, %s", "ไทย", number=3, pair=(1, None)))

    told = json.loads(line)
    assert "\n" not in line
    assert (told["level"], told["logger"], told["message"]) == (
        "ERROR",
        "mimivibes",
        "Two\nlines, ไทย",
    )
    assert (told["number"], told["pair"]) == (3, [1, None])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", told["time"])


def test_a_message_that_does_not_fit_is_told_all_the_same() -> None:
    assert "%d of %d" in JsonLine().format(a_record("%d of %d", 3))


def test_a_person_is_always_named_alike_and_never_by_their_id() -> None:
    assert log_user(CLERK_ID) == log_user(CLERK_ID) != log_user(f"{CLERK_ID}x")
    assert CLERK_ID not in log_user(CLERK_ID)


def test_every_line_goes_through_it() -> None:
    assert settings.LOGGING["formatters"] == {"line": {"()": "mimivibes.logs.formatters.JsonLine"}}
    assert {handler["formatter"] for handler in settings.LOGGING["handlers"].values()} == {"line"}
