"""How long it takes to export and to erase one person with very many rows, among a million others.

What is erased is gone after one try, so it has a scratch database of its own.
"""

import os
import resource
import time
from collections.abc import Callable

from django.db import connection
from django.utils import timezone

from accounts.models import User
from mimivibes.personal_data.erasure import erase_person
from mimivibes.personal_data.export import PersonExport
from tests.bench.bulk import connect
from tests.bench.telling import tell
from tests.server import fresh_database

NAME = "mimivibes_person"
THEIRS = 100_000
OTHERS = 1_000_000
"""Captures, browser sessions, events and deliveries: so many of each."""

ROWS = """
SET session_replication_role = replica;
INSERT INTO accounts_user (clerk_id, email, email_verified, first_name, last_name, image_url,
                           created_at, password, is_superuser, is_staff, is_active)
SELECT 'user_' || n, '', false, 'Somchai', '', '', now(), '!', false, false, true
FROM generate_series(0, 1000) AS n;
CREATE TEMP TABLE somebody AS
    SELECT n, CASE WHEN n <= {theirs} THEN (SELECT id FROM accounts_user WHERE clerk_id = 'user_0')
              ELSE (SELECT min(id) FROM accounts_user) + 1 + n % 1000 END AS user_id
    FROM generate_series(1, {all}) AS n;
INSERT INTO referrals_referralcode (program_id, owner_id, code, is_primary, is_active, created_at)
    SELECT (SELECT min(id) FROM referrals_program), (SELECT max(id) FROM accounts_user), 'BENCH',
           true, true, now();
INSERT INTO referrals_browsersession (id, device_id, created_at, adopted_by_id, adopted_at)
    SELECT md5('session' || n)::uuid, md5('device' || n)::uuid, now(), user_id, now()
    FROM somebody;
INSERT INTO referrals_capture (code_id, browser_session_id, user_id, first_opened_at, opened_at,
                               expires_at, landing_url, utm, closed_at, closed_reason)
    SELECT (SELECT id FROM referrals_referralcode), md5('session' || n)::uuid, user_id, now(),
           now(), now(), 'https://app.example.com/', '{{"source": "line"}}', now(), 'forgotten'
    FROM somebody;
INSERT INTO referrals_qualifyingevent (event_id, type, user_id, occurred_at, received_at, data,
                                       content_hash, source)
    SELECT 'evt_' || n, 'reading.completed', user_id, now(), now(), '{{"question": "?"}}',
           md5(n::text), 'x'
    FROM somebody;
INSERT INTO accounts_webhookreceipt (svix_id, type, clerk_id, payload, status, reason, attempts,
                                     received_at, processed_at)
    SELECT 'msg_' || n, 'session.created', clerk_id, '{{"data": {{}}}}', 'ignored', '', 1, now(),
           now()
    FROM somebody JOIN accounts_user ON accounts_user.id = user_id;
"""


def main() -> None:
    """Print what each took, in seconds, and what it did."""
    fresh_database(NAME)
    connect(NAME)
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(theirs=THEIRS, all=THEIRS + OTHERS))
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM (ANALYZE)")
    user, now = User.objects.get(clerk_id="user_0"), timezone.now()

    def export() -> object:
        kept = PersonExport(user, now=now)
        return sum(map(len, kept.chunks()))

    def erase(*, is_rehearsal: bool) -> Callable[[], object]:
        return lambda: erase_person(clerk_id="user_0", now=now, is_rehearsal=is_rehearsal)

    tell(f"Load average {os.getloadavg()[0]:.1f}.")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _timed("export", export)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    tell(f"memory grew by {grown:.0f} MB")
    _timed("erasure, rehearsed", erase(is_rehearsal=True))
    _timed("erasure", erase(is_rehearsal=False))
    _timed("erasure once more", erase(is_rehearsal=False))


def _timed(what: str, act: Callable[[], object]) -> None:
    began = time.perf_counter()
    result = act()
    tell(f"{what}: {time.perf_counter() - began:.2f} s, {result}")
