"""Deliveries of Clerk's: signed, kept, worked once (legacy fault 21)."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.signals import user_provisioned
from tests.accounts.requests import assert_problem, deliver
from tests.clerk import event, signed, user_object
from tests.settings import OLD_WEBHOOK_SECRET, WEBHOOK_SECRET
from tests.statements import statements

pytestmark = pytest.mark.django_db

CREATED = event(
    "user.created", user_object("user_ploy", email="ploy@example.com", first_name="Ploy")
)


@contextmanager
def broken_work() -> Iterator[None]:
    def failing(**fact: Any) -> None:
        raise RuntimeError("secret of ploy@example.com")

    user_provisioned.connect(failing)
    try:
        yield
    finally:
        user_provisioned.disconnect(failing)


def test_a_delivery_is_worked_and_kept() -> None:
    body, headers = signed(CREATED, svix_id="msg_1")

    response = deliver(body, headers)

    assert (response.status_code, response.json()) == (200, {"status": "processed"})
    assert User.objects.get().email == "ploy@example.com"
    receipt = WebhookReceipt.objects.get()
    assert (receipt.svix_id, receipt.type, receipt.clerk_id) == (
        "msg_1",
        "user.created",
        "user_ploy",
    )
    assert (receipt.status, receipt.payload) == ("processed", CREATED)
    assert receipt.processed_at
    assert receipt.next_attempt_at is None


def test_the_same_delivery_is_a_duplicate_whatever_its_body() -> None:
    deliver(*signed(CREATED, svix_id="msg_1"))

    response = deliver(*signed(event("user.deleted", {"id": "user_ploy"}), svix_id="msg_1"))

    assert (response.status_code, response.json()) == (200, {"status": "duplicate"})
    assert User.objects.get().deleted_at is None
    assert WebhookReceipt.objects.get().attempts == 1


@pytest.mark.parametrize("kind", ["user.created", "user.updated", "user.deleted"])
def test_a_first_sight_costs_at_most_six_statements(kind: str) -> None:
    body, headers = signed(event(kind, user_object("user_ploy", email="ploy@example.com")))

    with statements() as sent:
        assert deliver(body, headers).json() == {"status": "processed"}

    assert len(sent) <= 6, sent


def test_an_update_of_a_known_person_costs_at_most_six_statements() -> None:
    deliver(*signed(CREATED))
    later = user_object("user_ploy", updated_at=timezone.now() + timedelta(seconds=5))
    body, headers = signed(event("user.updated", later))

    with statements() as sent:
        assert deliver(body, headers).json() == {"status": "processed"}

    assert len(sent) <= 6, sent


def test_a_duplicate_costs_one_statement() -> None:
    body, headers = signed(CREATED)
    deliver(body, headers)

    with statements() as sent:
        deliver(body, headers)

    assert len(sent) == 1


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, OLD_WEBHOOK_SECRET])
def test_each_of_several_secrets_is_good_while_they_rotate(secret: str) -> None:
    assert deliver(*signed(CREATED, secret=secret)).status_code == 200


def test_one_good_signature_among_several_is_enough() -> None:
    body, headers = signed(CREATED)
    headers["svix-signature"] = (
        f"v1,{base64.b64encode(b'x' * 32).decode()} {headers['svix-signature']}"
    )

    assert deliver(body, headers).status_code == 200


@pytest.mark.parametrize("seconds", [-295, 295])
def test_five_minutes_are_allowed(seconds: int) -> None:
    sent_at = datetime.now(UTC) + timedelta(seconds=seconds)

    assert deliver(*signed(CREATED, sent_at=sent_at)).status_code == 200


STRANGER_SECRET = "whsec_" + base64.b64encode(b"stranger" * 4).decode()
HEADERS: dict[str, dict[str, str | None]] = {
    "no id": {"svix-id": None},
    "empty id": {"svix-id": ""},
    "another id": {"svix-id": "msg_other"},
    "id too long": {"svix-id": "m" * 256},
    "NUL in id": {"svix-id": "msg_\x00"},
    "no timestamp": {"svix-timestamp": None},
    "timestamp a word": {"svix-timestamp": "now"},
    "timestamp a fraction": {"svix-timestamp": f"{datetime.now(UTC).timestamp():.0f}.5"},
    "timestamp NaN": {"svix-timestamp": "nan"},
    "timestamp infinite": {"svix-timestamp": "inf"},
    "timestamp 1e400": {"svix-timestamp": "1e400"},
    "timestamp enormous": {"svix-timestamp": "9" * 400},
    "timestamp negative": {"svix-timestamp": "-1"},
    "timestamp in other digits": {"svix-timestamp": "\u00b2\u00b3"},
    "no signature": {"svix-signature": None},
    "empty signature": {"svix-signature": ""},
    "signature a word": {"svix-signature": "hello"},
    "signature with two commas": {"svix-signature": "v1,a,b"},
    "signature not base64": {"svix-signature": "v1,%%%"},
    "signature short of padding": {"svix-signature": "v1,a"},
    "signature in foreign letters": {"svix-signature": "v1,\u00e9\u00e8"},
    "unknown version": {"svix-signature": "v9,aGVsbG8="},
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_malformed_headers_are_refused_and_nothing_is_stored(change: dict[str, str | None]) -> None:
    body, headers = signed(CREATED)
    headers = {name: value for name, value in {**headers, **change}.items() if value is not None}

    assert_problem(deliver(body, headers), 400, "signature_invalid")
    assert not WebhookReceipt.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("seconds", [-301, 302, -86_400, 86_400])
def test_a_delivery_too_old_or_too_new_is_refused(seconds: int) -> None:
    sent_at = datetime.now(UTC) + timedelta(seconds=seconds)

    assert_problem(deliver(*signed(CREATED, sent_at=sent_at)), 400, "signature_invalid")


def test_a_strangers_signature_is_refused() -> None:
    assert_problem(deliver(*signed(CREATED, secret=STRANGER_SECRET)), 400, "signature_invalid")


def test_a_changed_body_is_refused() -> None:
    body, headers = signed(CREATED)

    assert_problem(deliver(body.replace("Ploy", "Mali"), headers), 400, "signature_invalid")
    assert_problem(deliver(b"\xff\xfe", headers), 400, "signature_invalid")


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["not base64!"]])
def test_without_a_usable_secret_everything_is_refused(secrets: list[str], settings: Any) -> None:
    settings.CLERK_WEBHOOK_SECRETS = secrets

    assert_problem(deliver(*signed(CREATED)), 400, "signature_invalid")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "{",
        "NaN",
        '{"a": Infinity}',
        '{"a": 1e999}',
        "[" * 5000,
        '{"a": %s}' % ("9" * 5000),
    ],
    ids=["empty", "text", "broken", "NaN", "infinite", "too large", "nested deeply", "many digits"],
)
def test_a_signed_body_that_is_not_json_is_refused(body: str) -> None:
    assert_problem(deliver(*signed(body)), 400, "signature_invalid")
    assert not WebhookReceipt.objects.exists()


UNUSABLE: dict[str, Any] = {
    "unknown type": event("user.danced", {"id": "user_ploy"}),
    "another object": event("session.created", {"id": "sess_1", "user_id": "user_ploy"}),
    "no type": {"data": {"id": "user_ploy"}},
    "type a number": {"type": 7, "data": {}},
    "type too long": {"type": "x" * 300},
    "deletion without id": event("user.deleted", {"deleted": True}),
    "deletion of null": event("user.deleted", {"id": None}),
    "deletion of a list": event("user.deleted", {"id": ["user_ploy"]}),
    "deletion of a long id": event("user.deleted", {"id": "u" * 256}),
    "data null": {"type": "user.deleted", "data": None},
    "data a list": {"type": "user.created", "data": []},
    "creation without id": event("user.created", user_object("user_ploy", id=None)),
    "creation without times": event(
        "user.created", {"id": "user_ploy", "created_at": None, "updated_at": "soon"}
    ),
    "a list": [],
    "null": None,
    "a number": 7,
}


@pytest.mark.parametrize("payload", UNUSABLE.values(), ids=UNUSABLE)
def test_a_signed_body_that_cannot_be_used_is_kept_with_its_reason(payload: Any) -> None:
    response = deliver(*signed(json.dumps(payload)))

    assert (response.status_code, response.json()) == (200, {"status": "ignored"})
    receipt = WebhookReceipt.objects.get()
    assert receipt.status == "ignored"
    assert receipt.reason
    assert not User.objects.exists()


NULLS = dict.fromkeys(
    (
        "first_name",
        "last_name",
        "image_url",
        "primary_email_address_id",
        "email_addresses",
        "banned",
    )
)
ODD_USERS: dict[str, dict[str, Any]] = {
    "nulls": NULLS,
    "wrong types": dict.fromkeys(NULLS, 7),
    "more wrong types": {name: ["x"] for name in NULLS},
    "primary id without addresses": {"primary_email_address_id": "idn_1", "email_addresses": []},
    "odd addresses": {
        "primary_email_address_id": "i",
        "email_addresses": [None, 7, {}, {"id": "i"}],
    },
    "unstorable": {"first_name": "\x00\ud800", "last_name": "\x00", "extra": {"\x00": "\ud800"}},
    "too long": {"first_name": "x" * 999, "image_url": "https://" + "x" * 9999},
    "only creation time": {"updated_at": None},
}


@pytest.mark.parametrize("fields", ODD_USERS.values(), ids=ODD_USERS)
def test_any_part_of_a_user_may_be_missing_or_odd(fields: dict[str, Any]) -> None:
    response = deliver(*signed(event("user.created", user_object("user_ploy", **fields))))

    assert (response.status_code, response.json()) == (200, {"status": "processed"})
    assert User.objects.get().email == ""


def test_over_256_kilobytes_is_too_large_before_any_look_at_it() -> None:
    body = "x" * (256 * 1024 + 1)

    with statements() as sent:
        assert_problem(deliver(body, {}), 413, "too_large")

    assert sent == []


def test_256_kilobytes_are_taken() -> None:
    padding = "x" * (256 * 1024 - len(json.dumps({"type": ""})))
    body, headers = signed({"type": padding})

    assert len(body) == 256 * 1024
    assert deliver(body, headers).json() == {"status": "ignored"}


def test_legacy_21_a_failure_is_kept_and_answered_so_that_the_sender_retries() -> None:
    body, headers = signed(CREATED, svix_id="msg_1")

    with broken_work():
        assert_problem(deliver(body, headers), 500, "webhook_failed")

    assert not User.objects.exists()
    receipt = WebhookReceipt.objects.get()
    assert receipt.status == "failed"
    assert "RuntimeError" in receipt.reason
    assert receipt.next_attempt_at
    assert receipt.next_attempt_at > timezone.now()


def test_legacy_25_the_text_of_a_failure_holds_no_personal_data(caplog: Any) -> None:
    with broken_work():
        deliver(*signed(CREATED))

    assert "ploy" not in WebhookReceipt.objects.get().reason
    assert "ploy@" not in caplog.text


def test_a_failed_delivery_that_comes_again_is_worked() -> None:
    with broken_work():
        deliver(*signed(CREATED, svix_id="msg_1"))

    response = deliver(*signed(CREATED, svix_id="msg_1"))

    assert response.json() == {"status": "processed"}
    receipt = WebhookReceipt.objects.get()
    assert (receipt.status, receipt.attempts, receipt.reason) == ("processed", 2, "")


def test_an_interrupted_delivery_that_comes_again_is_worked() -> None:
    now = timezone.now()
    WebhookReceipt.objects.create(svix_id="msg_1", received_at=now, next_attempt_at=now)

    assert deliver(*signed(CREATED, svix_id="msg_1")).json() == {"status": "processed"}
    assert User.objects.count() == 1


def test_it_takes_posts_alone_without_a_trailing_slash() -> None:
    from django.test import Client

    assert_problem(Client().get("/api/v1/webhooks/clerk"), 405, "method_not_allowed")
    assert_problem(Client().post("/api/v1/webhooks/clerk/"), 404, "not_found")


def test_a_token_is_neither_needed_nor_looked_at() -> None:
    body, headers = signed(CREATED)

    assert deliver(body, {**headers, "Authorization": "Bearer rubbish"}).status_code == 200


def test_it_is_not_throttled(settings: Any) -> None:
    assert {deliver("", {}).status_code for _ in range(70)} == {400}
