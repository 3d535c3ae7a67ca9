"""What there is to clean, by command. How long every table's rows stay is in `retention`."""

from datetime import timedelta
from functools import partial

from django.contrib.sessions.models import Session

from accounts.models import HashSalt, WebhookReceipt
from accounts.services import cleanup as webhooks
from accounts.services import salts_of_the_past
from backoffice.models import SignInAttempts
from backoffice.sign_in.throttle import KEPT as ATTEMPTS_AGE
from mimivibes.maintenance import expired
from mimivibes.maintenance.cleaning import Chore, rows_chore
from mimivibes.models import CommandRun
from outbox.models import OutboxMessage
from outbox.services import cleanup as outbox
from referrals.models import BrowserSession, Capture, Decision
from referrals.services import cleanup as referrals
from rewards.models import IdempotencyRecord

CAPTURE_DAYS = 0
PAYLOAD_DAYS = 30
RECEIPT_DAYS = 90


def _ago(age: timedelta) -> str:
    if not age:
        return "by now"
    return "a day ago or earlier" if age.days == 1 else f"{age.days} days ago or earlier"


def capture_chores(*, captures: timedelta) -> tuple[Chore, ...]:
    return (
        rows_chore(
            "old_network_addresses",
            Decision,
            referrals.old_addresses,
            by="at",
            what="hashes of network addresses, cleared on decisions made"
            f" {_ago(referrals.ADDRESS_AGE)}",
            change={"address_hash": ""},
        ),
        rows_chore(
            "old_refusals",
            Decision,
            referrals.old_refusals,
            by="at",
            what=f"decisions that refused a claim {_ago(referrals.REFUSAL_AGE)}",
        ),
        Chore(
            "expired_captures",
            Capture,
            f"captures that expired {_ago(captures)} and led to no attribution",
            partial(referrals.count_expired_captures, age=captures),
            partial(referrals.remove_expired_captures, age=captures),
        ),
        Chore(
            "empty_browser_sessions",
            BrowserSession,
            f"browser sessions begun {_ago(referrals.SESSION_AGE)} that hold no capture any more",
            partial(referrals.count_empty_browser_sessions, captures=captures),
            referrals.remove_empty_browser_sessions,
        ),
    )


def webhook_chores(*, payloads: timedelta, receipts: timedelta) -> tuple[Chore, ...]:
    return (
        rows_chore(
            "old_webhook_payloads",
            WebhookReceipt,
            partial(webhooks.old_payloads, age=payloads),
            by="received_at",
            what=f"contents, cleared of deliveries that were finished {_ago(payloads)}",
            change={"payload": None},
        ),
        rows_chore(
            "old_webhook_receipts",
            WebhookReceipt,
            partial(webhooks.old_receipts, age=receipts),
            by="received_at",
            what=f"receipts of deliveries that were finished {_ago(receipts)}",
        ),
        rows_chore(
            "old_outbox_messages",
            OutboxMessage,
            outbox.old_messages,
            by="id",
            what=f"messages of the outbox that were sent {_ago(outbox.SENT_AGE)}, or given up"
            f" {_ago(outbox.GIVEN_UP_AGE)}",
        ),
    )


CAPTURES = capture_chores(captures=timedelta(days=CAPTURE_DAYS))
WEBHOOKS = webhook_chores(
    payloads=timedelta(days=PAYLOAD_DAYS), receipts=timedelta(days=RECEIPT_DAYS)
)
SESSIONS = (
    rows_chore(
        "expired_sessions",
        Session,
        expired.old_sessions,
        by="expire_date",
        what="sessions of the admin that have expired",
    ),
    rows_chore(
        "old_idempotency_records",
        IdempotencyRecord,
        expired.old_answers,
        by="created_at",
        what=f"answers kept for repeated requests, given {_ago(expired.ANSWER_AGE)}",
    ),
    rows_chore(
        "old_command_runs",
        CommandRun,
        expired.old_runs,
        by="started_at",
        what=f"records of runs that ended {_ago(expired.RUN_AGE)}",
    ),
    rows_chore(
        "old_sign_in_attempts",
        SignInAttempts,
        expired.old_attempts,
        by="since",
        what=f"counts of attempts to sign in, begun {_ago(ATTEMPTS_AGE)}",
    ),
    rows_chore(
        "old_salts",
        HashSalt,
        salts_of_the_past,
        by="day",
        what="salts of past days, without which their hashes cannot be traced",
    ),
)
EVERYTHING = (*CAPTURES, *WEBHOOKS, *SESSIONS)
"""In this order, which the survey counts on: a payload is cleared before its receipt goes, an
address before its decision. Decisions come before captures, so that fewer have to be untied."""
