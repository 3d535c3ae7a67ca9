"""Drop what was opened and never led anywhere, once its time is over.

Never the ledger, a timeline, or what an attribution stands on: the capture that led to one stays.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from referrals.models import BrowserSession, Capture, Decision

SESSION_AGE = timedelta(days=1)
"""A browser session younger than this may be about to store its first code."""
ADDRESS_AGE = timedelta(days=7)
"""How long the hash of a network address is kept; rules look back an hour."""
REFUSAL_AGE = timedelta(days=365)
"""How long staff can read why a claim was refused."""


def count_expired_captures(*, now: datetime, age: timedelta) -> int:
    return Capture.objects.filter(expires_at__lte=now - age, attributions=None).count()


def remove_expired_captures(
    *, now: datetime, after: Any, limit: int, age: timedelta
) -> tuple[int, Any]:
    """Delete captures that expired before `now - age` and led to no attribution."""
    return _run(_CAPTURES, before=now - age, after=after, limit=limit)


def count_empty_browser_sessions(*, now: datetime) -> int:
    return BrowserSession.objects.filter(created_at__lte=now - SESSION_AGE, captures=None).count()


def remove_empty_browser_sessions(*, now: datetime, after: Any, limit: int) -> tuple[int, Any]:
    """Delete browser sessions that hold no capture any more."""
    return _run(_SESSIONS, before=now - SESSION_AGE, after=after, limit=limit)


def count_old_addresses(*, now: datetime) -> int:
    return Decision.objects.filter(at__lte=now - ADDRESS_AGE).exclude(address_hash="").count()


def forget_old_addresses(*, now: datetime, after: Any, limit: int) -> tuple[int, Any]:
    """Clear the hashes of network addresses on old decisions."""
    return _run(_ADDRESSES, before=now - ADDRESS_AGE, after=after, limit=limit)


def count_old_refusals(*, now: datetime) -> int:
    return Decision.objects.filter(at__lte=now - REFUSAL_AGE, attribution=None).count()


def remove_old_refusals(*, now: datetime, after: Any, limit: int) -> tuple[int, Any]:
    """Delete decisions that made no attribution."""
    return _run(_REFUSALS, before=now - REFUSAL_AGE, after=after, limit=limit)


def _run(statement: str, *, before: datetime, after: Any, limit: int) -> tuple[int, Any]:
    """Work through up to `limit` rows; return how many were done and, if there may be more, where
    to go on."""
    at, id_ = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"before": before, "at": at, "id": id_, "limit": limit})
        seen, done, last_at, last_id = cursor.fetchone()
    return done, (last_at, last_id) if seen == limit else None


# Rows that are locked stay where they are, so their place (`ctid`) is the shortest way back to
# them; by key, the planner may read the whole table for each batch.
_CAPTURES = """
WITH seen AS MATERIALIZED (
    SELECT ctid, id, expires_at FROM referrals_capture
    WHERE expires_at <= %(before)s
      AND (expires_at, id) > (coalesce(%(at)s::timestamptz, '-infinity'), coalesce(%(id)s, 0))
    ORDER BY expires_at, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), doomed AS (
    SELECT ctid, id FROM seen
    WHERE NOT EXISTS (SELECT FROM referrals_attribution a WHERE a.capture_id = seen.id)
), untied AS (
    UPDATE referrals_decision SET capture_id = NULL
    WHERE capture_id = ANY(ARRAY(SELECT id FROM doomed))
), gone AS (
    DELETE FROM referrals_capture WHERE ctid = ANY(ARRAY(SELECT ctid FROM doomed)) RETURNING 1
), last AS (
    SELECT expires_at, id FROM seen ORDER BY expires_at DESC, id DESC LIMIT 1
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM gone),
       (SELECT expires_at FROM last), (SELECT id FROM last)
"""

# A capture that is about to be stored holds the session's row: it is skipped, not waited for.
_SESSIONS = """
WITH seen AS MATERIALIZED (
    SELECT id FROM referrals_browsersession
    WHERE id > coalesce(%(id)s::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY id LIMIT %(limit)s
), doomed AS MATERIALIZED (
    SELECT s.ctid FROM referrals_browsersession s JOIN seen USING (id)
    WHERE s.created_at <= %(before)s
      AND NOT EXISTS (SELECT FROM referrals_capture c WHERE c.browser_session_id = s.id)
    FOR UPDATE OF s SKIP LOCKED
), gone AS (
    DELETE FROM referrals_browsersession
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM doomed)) RETURNING 1
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM gone), %(at)s::timestamptz,
       (SELECT id FROM seen ORDER BY id DESC LIMIT 1)
"""

_ADDRESSES = """
WITH seen AS MATERIALIZED (
    SELECT ctid, id FROM referrals_decision
    WHERE address_hash <> '' AND at <= %(before)s AND id > coalesce(%(id)s, 0)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), cleared AS (
    UPDATE referrals_decision SET address_hash = ''
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM seen)) RETURNING 1
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM cleared), %(at)s::timestamptz,
       (SELECT max(id) FROM seen)
"""

_REFUSALS = """
WITH seen AS MATERIALIZED (
    SELECT ctid, id FROM referrals_decision
    WHERE attribution_id IS NULL AND at <= %(before)s AND id > coalesce(%(id)s, 0)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM referrals_decision WHERE ctid = ANY(ARRAY(SELECT ctid FROM seen)) RETURNING 1
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM gone), %(at)s::timestamptz,
       (SELECT max(id) FROM seen)
"""
