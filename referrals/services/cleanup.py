"""Drop what was opened and never led anywhere, once its time is over.

Never the ledger, a timeline, or what an attribution stands on: the capture that led to one stays.

A batch takes two statements. The first locks the rows; the second looks again at what refers to
them, for what was committed while the first one ran is seen by the second alone. As long as it
holds the locks nobody can refer to them anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from referrals.models import Attribution, BrowserSession, Capture, Decision, Outcome

SESSION_AGE = timedelta(days=1)
"""A browser session younger than this may be about to store its first code."""
CLAIM_AGE = timedelta(minutes=10)
"""A claim that began before a capture expired has ended by then, on whichever machine's clock."""
ADDRESS_AGE = timedelta(days=7)
"""How long the hash of a network address is kept; rules look back an hour."""
REFUSAL_AGE = timedelta(days=365)
"""How long staff can read why a claim was refused."""


def count_expired_captures(*, now: datetime, age: timedelta) -> int:
    return Capture.objects.filter(_is_over(now, age), attributions=None).count()


def remove_expired_captures(
    *, now: datetime, after: Any, limit: int, age: timedelta
) -> tuple[int, Any]:
    """Delete captures that expired before `now - age` and led to no attribution.

    What somebody who is signed in holds is left for ten minutes: a claim may still use it.
    """
    times = {"before": now - age, "before_claims": now - max(age, CLAIM_AGE)}
    return _remove(_CAPTURES, times, after=after, limit=limit)


def count_empty_browser_sessions(*, now: datetime, captures: timedelta) -> int:
    """Count browser sessions that hold no capture, or none that would outlast a clean-up of those
    that expired before `now - captures`."""
    lasting = Capture.objects.filter(
        ~_is_over(now, captures) | Exists(Attribution.objects.filter(capture=OuterRef("pk"))),
        browser_session=OuterRef("pk"),
    )
    return BrowserSession.objects.filter(
        ~Exists(lasting), created_at__lte=now - SESSION_AGE
    ).count()


def remove_empty_browser_sessions(*, now: datetime, after: Any, limit: int) -> tuple[int, Any]:
    """Delete browser sessions that hold no capture any more."""
    return _remove(_SESSIONS, {"before": now - SESSION_AGE}, after=after, limit=limit)


def old_addresses(now: datetime) -> QuerySet[Decision]:
    """Return decisions that bear the hash of a network address which has had its time."""
    return Decision.objects.filter(at__lte=now - ADDRESS_AGE).exclude(address_hash="")


def old_refusals(now: datetime) -> QuerySet[Decision]:
    """Return old decisions that made no attribution."""
    return Decision.objects.filter(
        at__lte=now - REFUSAL_AGE, outcome=Outcome.REFUSED, attribution=None
    )


def _is_over(now: datetime, age: timedelta) -> Q:
    """Return the condition for captures that expired so long ago; see `_CAPTURES`."""
    return Q(expires_at__lte=now - age) & (
        Q(user=None) | Q(expires_at__lte=now - max(age, CLAIM_AGE))
    )


@dataclass(frozen=True, slots=True)
class _Removal:
    """The two statements of a batch."""

    lock: str
    delete: str


def _remove(
    removal: _Removal, times: dict[str, datetime], *, after: Any, limit: int
) -> tuple[int, Any]:
    """Look at `limit` rows beyond `after`; return how many went, and where to go on if there may be
    more. The caller is in a transaction."""
    at, id_ = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(removal.lock, {**times, "at": at, "id": id_, "limit": limit})
        seen, places, last_at, last_id = cursor.fetchone()
        cursor.execute(removal.delete, {"places": places})
        gone = cursor.rowcount
    return gone, (last_at, last_id) if seen == limit else None


# Rows that are locked stay where they are, so their place (`ctid`) is the shortest way back to
# them; by key, the planner may read the whole table for each batch. So it may for `NOT EXISTS`;
# `LIMIT` keeps it to the index. What an attribution stands on is looked at and not locked. A locked
# row is judged as it is now, should it have been opened again, or adopted, since.
_CAPTURES = _Removal(
    lock="""
WITH next AS MATERIALIZED (
    SELECT ctid, id, user_id, expires_at FROM referrals_capture
    WHERE expires_at <= %(before)s
      AND (expires_at, id) > (coalesce(%(at)s::timestamptz, '-infinity'), coalesce(%(id)s, 0))
    ORDER BY expires_at, id LIMIT %(limit)s
), locked AS MATERIALIZED (
    SELECT ctid FROM referrals_capture
    WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM next WHERE user_id IS NULL
           OR (SELECT 1 FROM referrals_attribution a WHERE a.capture_id = next.id LIMIT 1) IS NULL))
      AND expires_at <= %(before)s AND (user_id IS NULL OR expires_at <= %(before_claims)s)
    FOR UPDATE SKIP LOCKED
)
SELECT (SELECT count(*) FROM next),
       coalesce((SELECT array_agg(ctid) FROM locked), '{}')::text,
       last.expires_at, last.id
FROM (VALUES (1)) AS one
LEFT JOIN (SELECT expires_at, id FROM next ORDER BY expires_at DESC, id DESC LIMIT 1) AS last
    ON true
""",
    # The foreign key would untie each decision by a statement of its own. They are found by their
    # referee: an index by capture would cost each of them more than it saves.
    delete="""
WITH doomed AS MATERIALIZED (
    SELECT ctid, id, user_id FROM referrals_capture c
    WHERE ctid = ANY(%(places)s::tid[])
      AND (user_id IS NULL
           OR (SELECT 1 FROM referrals_attribution a WHERE a.capture_id = c.id LIMIT 1) IS NULL)
), untied AS (
    UPDATE referrals_decision SET capture_id = NULL WHERE id = ANY(ARRAY(
        SELECT decision.id FROM doomed CROSS JOIN LATERAL (
            SELECT id FROM referrals_decision
            WHERE referee_id = doomed.user_id AND capture_id = doomed.id OFFSET 0) AS decision
        WHERE doomed.user_id IS NOT NULL))
)
DELETE FROM referrals_capture WHERE ctid = ANY(ARRAY(SELECT ctid FROM doomed))
""",
)

# Whoever is about to store a capture holds the session's row: it is skipped, not waited for.
_SESSIONS = _Removal(
    lock="""
WITH next AS MATERIALIZED (
    SELECT ctid, id, created_at FROM referrals_browsersession
    WHERE created_at <= %(before)s
      AND (created_at, id) > (coalesce(%(at)s::timestamptz, '-infinity'),
                              coalesce(%(id)s, '00000000-0000-0000-0000-000000000000'::uuid))
    ORDER BY created_at, id LIMIT %(limit)s
), locked AS MATERIALIZED (
    SELECT ctid FROM referrals_browsersession
    WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM next
        WHERE (SELECT 1 FROM referrals_capture c WHERE c.browser_session_id = next.id LIMIT 1)
            IS NULL))
    FOR UPDATE SKIP LOCKED
)
SELECT (SELECT count(*) FROM next),
       coalesce((SELECT array_agg(ctid) FROM locked), '{}')::text,
       last.created_at, last.id
FROM (VALUES (1)) AS one
LEFT JOIN (SELECT created_at, id FROM next ORDER BY created_at DESC, id DESC LIMIT 1) AS last
    ON true
""",
    delete="""
DELETE FROM referrals_browsersession s
WHERE ctid = ANY(%(places)s::tid[])
  AND (SELECT 1 FROM referrals_capture c WHERE c.browser_session_id = s.id LIMIT 1) IS NULL
""",
)
