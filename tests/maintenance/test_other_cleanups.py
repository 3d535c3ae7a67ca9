"""cleanup_webhooks, cleanup_sessions, cleanup_all: each table loses what is old, and no more."""

from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.models import WebhookReceipt
from backoffice.models import SignInAttempts
from mimivibes.models import CommandRun
from rewards.models import IdempotencyRecord
from tests.maintenance.commands import run

pytestmark = pytest.mark.django_db

CLEANED = {
    "referrals_capture": "cleanup_captures",
    "referrals_browsersession": "cleanup_captures",
    "referrals_decision": "cleanup_captures: refusals; those of attributions are kept",
    "accounts_webhookreceipt": "cleanup_webhooks",
    "django_session": "cleanup_sessions",
    "outbox_outboxmessage": "cleanup_webhooks",
    "rewards_idempotencyrecord": "cleanup_sessions",
    "mimivibes_commandrun": "cleanup_sessions",
    "backoffice_signinattempts": "cleanup_sessions, and every successful sign-in",
}
KEPT_FOR_EVER = {
    "rewards_transaction": "the ledger",
    "rewards_entry": "the ledger",
    "referrals_attribution": "what the ledger's rewards are for",
    "referrals_timelineentry": "the history of attributions",
    "referrals_qualifyingevent": "an event is unique by its id for ever",
    "django_admin_log": "what staff did",
    "rewards_grantrequest": "what staff asked for",
    "rewards_ledgerproof": "one for each run of verify_ledger",
    "rewards_issuedday": "one for each day",
    "referrals_funnelday": "one for each day and program",
}
BOUNDED = {
    "accounts_user": "one for each person",
    "accounts_user_groups": "staff",
    "accounts_user_user_permissions": "staff",
    "otp_totp_totpdevice": "staff",
    "otp_static_staticdevice": "staff",
    "otp_static_statictoken": "staff",
    "accounts_apikey": "made by hand",
    "accounts_clerksync": "made by hand",
    "referrals_userdevice": "at most 50 for each person",
    "referrals_referralcode": "a few for each person",
    "referrals_program": "made by hand",
    "referrals_programterms": "made by hand",
    "rewards_balance": "four for each person",
    "rewards_rewardrule": "made by hand",
    "rewards_exchangerate": "made by hand",
    "mimivibes_scheduledjob": "one for each job",
    "auth_group": "roles",
    "auth_group_permissions": "roles",
    "auth_permission": "one for each thing to do",
    "django_content_type": "one for each model",
    "django_migrations": "one for each migration",
}


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

    rows = run("cleanup_sessions", "--apply")["rows"]

    assert rows == {
        "expired_sessions": 1,
        "old_idempotency_records": 1,
        "old_command_runs": 1,
        "old_sign_in_attempts": 1,
    }
    assert [s.session_key for s in Session.objects.all()] == ["alive"]
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["new"]


def test_cleanup_all_does_all_of_them_in_one_report(now: datetime) -> None:
    receipt("old", days=91, now=now)
    Session.objects.create(session_key="ended", session_data="", expire_date=now)

    rows = run("cleanup_all", "--apply")["rows"]

    assert (rows["old_webhook_receipts"], rows["expired_sessions"]) == (1, 1)
    assert rows["expired_captures"] == 0


def test_every_table_is_cleaned_bounded_or_meant_to_last() -> None:
    """A new table that grows without bound needs a chore, or a reason."""
    tables = set(connection.introspection.table_names())

    assert tables == {*CLEANED, *KEPT_FOR_EVER, *BOUNDED}
