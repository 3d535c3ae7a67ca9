"""What there is to clean, by command. Every table that grows is named here or in the tests."""

from datetime import timedelta
from functools import partial

from accounts.services import cleanup as webhooks
from mimivibes.maintenance import expired
from mimivibes.maintenance.cleaning import Chore
from outbox.services import cleanup as outbox
from referrals.services import cleanup as referrals

CAPTURE_DAYS = 0
PAYLOAD_DAYS = 30
RECEIPT_DAYS = 90


def capture_chores(*, captures: timedelta) -> tuple[Chore, ...]:
    return (
        Chore(
            "expired_captures",
            partial(referrals.count_expired_captures, age=captures),
            partial(referrals.remove_expired_captures, age=captures),
        ),
        Chore(
            "empty_browser_sessions",
            referrals.count_empty_browser_sessions,
            referrals.remove_empty_browser_sessions,
        ),
        Chore(
            "old_network_addresses", referrals.count_old_addresses, referrals.forget_old_addresses
        ),
        Chore("old_refusals", referrals.count_old_refusals, referrals.remove_old_refusals),
    )


def webhook_chores(*, payloads: timedelta, receipts: timedelta) -> tuple[Chore, ...]:
    return (
        Chore(
            "old_webhook_payloads",
            partial(webhooks.count_old_payloads, age=payloads),
            partial(webhooks.clear_old_payloads, age=payloads),
        ),
        Chore(
            "old_webhook_receipts",
            partial(webhooks.count_old_receipts, age=receipts),
            partial(webhooks.remove_old_receipts, age=receipts),
        ),
        Chore("old_outbox_messages", outbox.count_old_messages, outbox.remove_old_messages),
    )


CAPTURES = capture_chores(captures=timedelta(days=CAPTURE_DAYS))
WEBHOOKS = webhook_chores(
    payloads=timedelta(days=PAYLOAD_DAYS), receipts=timedelta(days=RECEIPT_DAYS)
)
SESSIONS = tuple(
    Chore(
        name,
        lambda *, now, rows=rows: rows(now).count(),
        lambda *, now, after, limit, rows=rows: expired.remove(rows(now), after=after, limit=limit),
    )
    for name, rows in (
        ("expired_sessions", expired.old_sessions),
        ("old_idempotency_records", expired.old_answers),
        ("old_command_runs", expired.old_runs),
        ("old_sign_in_attempts", expired.old_attempts),
    )
)
EVERYTHING = (*CAPTURES, *WEBHOOKS, *SESSIONS)
