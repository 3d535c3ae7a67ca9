"""Drop what Clerk delivered once it is worked and old: first the content, then the receipt."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import WebhookReceipt


def count_old_payloads(*, now: datetime, age: timedelta) -> int:
    return _finished(now - age).filter(payload__isnull=False).count()


def clear_old_payloads(*, now: datetime, after: Any, limit: int, age: timedelta) -> tuple[int, Any]:
    """Clear the content of deliveries that were finished before `now - age`."""
    return _run(_PAYLOADS, before=now - age, after=after, limit=limit)


def count_old_receipts(*, now: datetime, age: timedelta) -> int:
    return _finished(now - age).count()


def remove_old_receipts(
    *, now: datetime, after: Any, limit: int, age: timedelta
) -> tuple[int, Any]:
    """Delete receipts that were finished before `now - age`; a repeat is then taken as new."""
    return _run(_RECEIPTS, before=now - age, after=after, limit=limit)


def _finished(before: datetime) -> QuerySet[WebhookReceipt]:
    return WebhookReceipt.objects.filter(processed_at__lte=before)


def _run(statement: str, *, before: datetime, after: Any, limit: int) -> tuple[int, Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"before": before, "after": after, "limit": limit})
        done, last = cursor.fetchone()
    return done, last if done == limit else None


_PAYLOADS = """
WITH seen AS MATERIALIZED (
    SELECT ctid, id FROM accounts_webhookreceipt
    WHERE processed_at <= %(before)s AND payload IS NOT NULL AND id > coalesce(%(after)s, 0)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), cleared AS (
    UPDATE accounts_webhookreceipt SET payload = NULL
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM seen)) RETURNING 1
)
SELECT (SELECT count(*) FROM cleared), (SELECT max(id) FROM seen)
"""

_RECEIPTS = """
WITH seen AS MATERIALIZED (
    SELECT ctid, id FROM accounts_webhookreceipt
    WHERE processed_at <= %(before)s AND id > coalesce(%(after)s, 0)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM accounts_webhookreceipt
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM seen)) RETURNING 1
)
SELECT (SELECT count(*) FROM gone), (SELECT max(id) FROM seen)
"""
