"""cleanup_webhooks, cleanup_sessions, cleanup_all: each table loses what is old, and no more."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import HashSalt, WebhookReceipt
from backoffice.models import SignInAttempts
from mimivibes.models import CommandRun
from outbox.models import OutboxMessage
from rewards.models import IdempotencyRecord
from tests.commands import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def receipt(svix_id: str, *, days: int, now: datetime, finished: bool = True) -> WebhookReceipt:
    then = now - timedelta(days=days)
    status = {"status": "processed", "processed_at": then}
    if not finished:
        status = {"status": "failed", "next_attempt_at": then}
    return WebhookReceipt.objects.create(
        svix_id=svix_id, payload={"data": {}}, received_at=then, **status
    )


def test_contents_go_before_receipts_and_unfinished_ones_stay(now: datetime) -> None:
    for days in (29, 31, 91):
        receipt(f"done_{days}", days=days, now=now)
    receipt("failed", days=400, now=now, finished=False)

    rows = run("cleanup_webhooks", "--apply")["rows"]

    assert rows == {
        "old_webhook_payloads": 2,
        "old_webhook_receipts": 1,
        "old_outbox_messages": 0,
    }
    left = WebhookReceipt.objects.values_list("svix_id", "payload")
    assert dict(left) == {"done_29": {"data": {}}, "done_31": None, "failed": {"data": {}}}


def test_the_ages_can_be_chosen(now: datetime) -> None:
    receipt("young", days=2, now=now)

    rows = run("cleanup_webhooks", "--days", "1", "--receipt-days", "1", "--apply")["rows"]

    assert rows == {
        "old_webhook_payloads": 1,
        "old_webhook_receipts": 1,
        "old_outbox_messages": 0,
    }


def test_sessions_answers_and_records_of_runs_have_their_time(now: datetime) -> None:
    for key, ends in (("ended", now), ("alive", now + timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=ends)
    for key, days in (("old", 31), ("new", 29)):
        IdempotencyRecord.objects.create(
            caller="key:1", key=key, fingerprint="x", body={}, created_at=now - timedelta(days=days)
        )
    for days in (91, 89):
        at = now - timedelta(days=days)
        CommandRun.objects.create(
            command="x", runner="x", started_at=at, finished_at=at, outcome="done"
        )

    for key, hours in (("old", 25), ("new", 23)):
        SignInAttempts.objects.create(key=key, count=1, since=now - timedelta(hours=hours))
    for days in (1, 0):
        HashSalt.objects.create(day=(now - timedelta(hours=2, days=days)).date(), value="x")

    rows = run("cleanup_sessions", "--apply")["rows"]

    assert rows == {
        "expired_sessions": 1,
        "old_idempotency_records": 1,
        "old_command_runs": 1,
        "old_sign_in_attempts": 1,
        "old_salts": 1,
    }
    assert [s.session_key for s in Session.objects.all()] == ["alive"]
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["new"]


def test_cleanup_all_does_all_of_them_in_one_report(now: datetime) -> None:
    receipt("old", days=91, now=now)
    Session.objects.create(session_key="ended", session_data="", expire_date=now)

    rows = run("cleanup_all", "--apply")["rows"]

    assert (rows["old_webhook_receipts"], rows["expired_sessions"]) == (1, 1)
    assert rows["expired_captures"] == 0


OF_WEBHOOKS = {"old_webhook_payloads": 1, "old_webhook_receipts": 1, "old_outbox_messages": 1}
OF_SESSIONS = {
    "expired_sessions": 1,
    "old_idempotency_records": 1,
    "old_command_runs": 1,
    "old_sign_in_attempts": 1,
    "old_salts": 1,
}
OF_CAPTURES = {
    "expired_captures": 0,
    "empty_browser_sessions": 0,
    "old_network_addresses": 0,
    "old_refusals": 0,
}
CLEANED = (
    *(WebhookReceipt, OutboxMessage, Session, IdempotencyRecord),
    *(CommandRun, SignInAttempts, HashSalt),
)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("cleanup_webhooks", OF_WEBHOOKS),
        ("cleanup_sessions", OF_SESSIONS),
        ("cleanup_all", {**OF_CAPTURES, **OF_WEBHOOKS, **OF_SESSIONS}),
    ],
)
def test_a_dry_run_changes_nothing_and_tells_what_is_then_done(
    now: datetime, name: str, rows: dict[str, int]
) -> None:
    at = now - timedelta(days=100)
    receipt("old", days=100, now=now)
    # Ids begin with their time: this one is older than all others.
    OutboxMessage.objects.create(id=UUID(int=1), type="x", data={}, created_at=at, sent_at=at)
    Session.objects.create(session_key="ended", session_data="", expire_date=now)
    IdempotencyRecord.objects.create(
        caller="key:1", key="old", fingerprint="x", body={}, created_at=at
    )
    CommandRun.objects.create(
        command="x", runner="x", started_at=at, finished_at=at, outcome="done"
    )
    SignInAttempts.objects.create(key="old", count=1, since=at)
    HashSalt.objects.create(day=at.date(), value="x")
    before = {model: list(model._default_manager.values()) for model in CLEANED}

    told = run(name)["rows"]
    CommandRun.objects.filter(command=name).delete()
    assert {model: list(model._default_manager.values()) for model in CLEANED} == before
    done = run(name, "--apply")["rows"]

    assert told == done == rows
