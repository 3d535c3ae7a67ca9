"""The inbox of Clerk's webhooks: a receipt first, then the work, in transactions of their own.

Whoever works a receipt locks people before receipts, so that no two deliveries wait for each other.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from traceback import extract_tb
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count, F, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from psycopg.types.json import Jsonb

from accounts.clerk.deliveries import Delivery, SignatureInvalid, verified_delivery
from accounts.clerk.profiles import ProfileUnusable, profile_of
from accounts.metrics import count_delivery
from accounts.models import WebhookReceipt
from accounts.services.people import (
    Unapplied,
    apply_clerk_profile,
    erase_user,
    forget_payloads_of_the_gone,
)

logger = logging.getLogger(__name__)

Status = WebhookReceipt.Status
DUPLICATE = "duplicate"
REFUSED = "refused"
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=12)
NOBODY_ACTS = gettext_noop("Nothing here acts on %(type)s.")


class WebhookWorkFailed(Exception):
    """The delivery is kept, but its work failed; it will be tried again."""

    sentence = gettext_noop("The delivery is kept, but its work failed; it will be tried again.")


class PayloadGone(Exception):
    """The delivery's content has been cleared, so it cannot be replayed."""

    sentence = gettext_noop("The delivery's content has been cleared, so it cannot be replayed.")


def receive_webhook(*, body: bytes, headers: Mapping[str, str], now: datetime) -> str:
    """Keep a delivery and do its work; return `processed`, `ignored` or `duplicate`.

    One that failed, or was interrupted, is worked again when it comes again. Raises
    `SignatureInvalid`, with nothing stored, or `WebhookWorkFailed`, with the receipt kept.
    """
    try:
        delivery = verified_delivery(body=body, headers=headers, now=now)
    except SignatureInvalid:
        count_delivery("", REFUSED)
        raise
    receipt = _take_receipt(delivery, now)
    try:
        outcome = _work(receipt, delivery, now) if receipt else DUPLICATE
    except WebhookWorkFailed:
        count_delivery(delivery.type, Status.FAILED.value)
        raise
    count_delivery(delivery.type, outcome)
    return outcome


def process_due_webhooks(*, now: datetime, batch_size: int = 100) -> Counter[str]:
    """Work one batch of the deliveries whose time has come again; return how many ended how.

    Parallel runs take different ones: each is leased to its run for five minutes. An empty count
    means that none was due.
    """
    outcomes: Counter[str] = Counter()
    for receipt in _lease_due(now, batch_size):
        try:
            outcomes[_work(receipt, _kept_delivery(receipt), now)] += 1
        except WebhookWorkFailed:
            outcomes[Status.FAILED.value] += 1
    return outcomes


def replay_webhook(*, receipt: WebhookReceipt, now: datetime) -> str:
    """Do a delivery's work once more, finished or not; return as `receive_webhook` does.

    Harmless by nature: what is older than what is known changes nothing. Raises `PayloadGone` or
    `WebhookWorkFailed`.
    """
    reopened = WebhookReceipt.objects.filter(pk=receipt.pk, payload__isnull=False).update(
        status=Status.RECEIVED,
        attempts=F("attempts") + 1,
        next_attempt_at=now + LEASE,
        processed_at=None,
    )
    if not reopened:
        raise PayloadGone
    receipt.refresh_from_db()
    return _work(receipt, _kept_delivery(receipt), now)


class Inbox(NamedTuple):
    """How many deliveries are not finished, how many of them failed, and since when one waits."""

    unfinished: int
    failed: int
    oldest_at: datetime | None
    oldest_failed_at: datetime | None
    newest_at: datetime | None
    """When Clerk delivered last, whatever became of it."""


def inbox_figures() -> Inbox:
    """Return how the inbox stands; two queries, each of an index alone."""
    waiting = WebhookReceipt.objects.unfinished().aggregate(
        unfinished=Count("*"),
        failed=Count("status", filter=Q(status=Status.FAILED)),
        oldest_at=Min("received_at"),
        oldest_failed_at=Min("received_at", filter=Q(status=Status.FAILED)),
    )
    newest = WebhookReceipt.objects.order_by("-received_at").values_list("received_at", flat=True)
    return Inbox(**waiting, newest_at=newest.first())


def _take_receipt(delivery: Delivery, now: datetime) -> WebhookReceipt | None:
    """Insert the receipt, or take up the unfinished one of an earlier try; None if finished.

    Two deliveries of one `svix-id` at once may both get it: their work converges, and the first
    that finishes it is the one that `_finish` believes.
    """
    table = connection.ops.quote_name(WebhookReceipt._meta.db_table)
    statement = (
        f"INSERT INTO {table} AS kept (svix_id, type, clerk_id, payload, status, reason, attempts,"
        " received_at, next_attempt_at) VALUES (%s, %s, %s, %s, 'received', '', 1, %s, %s)"
        " ON CONFLICT (svix_id) DO UPDATE SET status = 'received', attempts = kept.attempts + 1,"
        " next_attempt_at = excluded.next_attempt_at WHERE kept.processed_at IS NULL RETURNING *"
    )
    values = [delivery.svix_id, delivery.type, delivery.clerk_id, Jsonb(delivery.payload)]
    receipts = WebhookReceipt.objects.raw(statement, [*values, now, now + LEASE])
    return next(iter(receipts), None)


def _lease_due(now: datetime, batch_size: int) -> list[WebhookReceipt]:
    table = connection.ops.quote_name(WebhookReceipt._meta.db_table)
    # Materialized: as a plain subquery it may run once for each row, and lock more than the limit.
    statement = (
        f"WITH due AS MATERIALIZED (SELECT id FROM {table} WHERE next_attempt_at <= %s"
        " ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED)"
        f" UPDATE {table} AS leased SET attempts = attempts + 1, next_attempt_at = %s"
        " FROM due WHERE leased.id = due.id RETURNING leased.*"
    )
    return list(WebhookReceipt.objects.raw(statement, [now, batch_size, now + LEASE]))


def _kept_delivery(receipt: WebhookReceipt) -> Delivery:
    return Delivery(receipt.svix_id, receipt.payload)


def _work(receipt: WebhookReceipt, delivery: Delivery, now: datetime) -> str:
    try:
        with transaction.atomic():
            return _finish(receipt, _apply(delivery, now), now)
    except Exception as error:
        _keep_failure(receipt, error, now)
        raise WebhookWorkFailed from error


def _apply(delivery: Delivery, now: datetime) -> str:
    """Do what the event says; return why nothing was done, empty if something was."""
    if delivery.payload is None:
        return gettext_noop("It has no content, or none any more.")
    if delivery.type == "user.deleted":
        if not delivery.clerk_id:
            return gettext_noop("The deleted user has no id.")
        result: object = erase_user(clerk_id=delivery.clerk_id, now=now)
    elif delivery.type in {"user.created", "user.updated"}:
        try:
            profile = profile_of(delivery.data)
        except ProfileUnusable as error:
            return str(error)
        result = apply_clerk_profile(profile=profile, now=now)
    else:
        forget_payloads_of_the_gone(clerk_id=delivery.clerk_id)
        return _nobody_acts_on(delivery.type)
    return result.reason if isinstance(result, Unapplied) else ""


def _nobody_acts_on(type_: str) -> str:
    return NOBODY_ACTS % {"type": type_} if type_ else gettext_noop("It has no type.")


def reason_told(receipt: WebhookReceipt) -> str:
    """Return why a delivery was ignored, in the reader's language, or how its work failed."""
    if receipt.reason == NOBODY_ACTS % {"type": receipt.type}:
        return _(NOBODY_ACTS) % {"type": receipt.type}
    return receipt.reason if receipt.status == Status.FAILED else _(receipt.reason)


def _finish(receipt: WebhookReceipt, reason: str, now: datetime) -> str:
    status = Status.IGNORED if reason else Status.PROCESSED
    finished = WebhookReceipt.objects.filter(pk=receipt.pk, processed_at=None).update(
        status=status, reason=reason, processed_at=now, next_attempt_at=None
    )
    return status.value if finished else DUPLICATE


def _keep_failure(receipt: WebhookReceipt, error: Exception, now: datetime) -> None:
    failure = _without_personal_data(error)
    logger.error("The work of webhook %s failed: %s", receipt.svix_id, failure)
    WebhookReceipt.objects.filter(pk=receipt.pk, processed_at=None).update(
        status=Status.FAILED, reason=failure, next_attempt_at=now + _wait_after(receipt.attempts)
    )


def _without_personal_data(error: Exception) -> str:
    """Say what was raised and where; a message of PostgreSQL's would quote the values."""
    where = extract_tb(error.__traceback__)[-1]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{kind} at {Path(where.filename).name}:{where.lineno} in {where.name}"


def _wait_after(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 16)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
