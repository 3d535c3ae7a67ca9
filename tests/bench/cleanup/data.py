"""Captures of half a year, and rows of everything else that is cleaned.

Of a hundred captures, ten led to an attribution, ten are held by somebody whose claim was
refused, five were forgotten, and the rest are visitors': nobody's. They live for thirty days, so
five in six have expired. Every tenth browser session holds two.
"""

from collections.abc import Callable

from django.db import connection, transaction

from tests.bench.bulk import connect, set_sequences, timed, without_triggers_and_indexes
from tests.server import fresh_database

NAME = "mimivibes_cleanup"

_SHAPE = """
SELECT setseed(0.42);
CREATE TEMPORARY TABLE shape ON COMMIT DROP AS
SELECT i, now() - interval '180 days' * (1 - i / (%(captures)s + 1.0)::float8) AS at,
       md5('session' || (i - (i %% 10 = 0)::int))::uuid AS session, 2 + i / 10 AS person,
       1 + floor(%(captures)s / 10 * power(random(), 3))::bigint AS inviter,
       (gen_random_uuid()) AS attribution,
       CASE WHEN i %% 10 = 5 THEN 'claimed' WHEN i %% 10 = 7 THEN 'held'
            WHEN i %% 20 = 3 THEN 'forgotten' ELSE 'visitor' END AS kind
FROM generate_series(1, %(captures)s::bigint) AS i;
-- Nobody accepts their own code, and no browser opens one code twice.
UPDATE shape SET inviter = inviter + 1 WHERE inviter = person;
UPDATE shape SET inviter = 1 + person %% 1000 WHERE i %% 10 = 0 OR kind = 'held';
DELETE FROM shape USING shape AS other
WHERE other.session = shape.session AND other.inviter = shape.inviter AND other.i < shape.i;
"""

_PEOPLE = """
INSERT INTO accounts_user (id, clerk_id, created_at, account_created_at, is_active)
SELECT n, 'user_' || n, now() - interval '181 days', now() - interval '181 days', true
FROM generate_series(1, %(captures)s / 10 + 2) AS n;
INSERT INTO referrals_referralcode
    (id, program_id, owner_id, code, is_primary, is_active, created_at)
SELECT n, (SELECT id FROM referrals_program WHERE is_default), n, 'CODE' || n, true, true,
       now() - interval '181 days'
FROM generate_series(1, %(captures)s / 10 + 2) AS n;
"""

_CAPTURES = """
INSERT INTO referrals_browsersession (id, device_id, created_at)
SELECT session, md5(session::text)::uuid, min(at) FROM shape GROUP BY session ORDER BY min(at);
INSERT INTO referrals_capture (id, code_id, browser_session_id, user_id, first_opened_at,
    opened_at, expires_at, adopted_at, landing_url, utm, closed_at, closed_reason)
SELECT i, inviter, session, CASE WHEN kind IN ('claimed', 'held') THEN person END, at, at,
       at + interval '30 days', CASE WHEN kind IN ('claimed', 'held') THEN at END,
       'https://app.example.com/', '{"source": "line", "medium": "social"}',
       CASE WHEN kind IN ('claimed', 'forgotten') THEN at END,
       CASE WHEN kind IN ('claimed', 'forgotten') THEN kind ELSE '' END
FROM shape ORDER BY i;
"""

_ATTRIBUTIONS = """
INSERT INTO referrals_attribution
    (id, terms_id, referee_id, referrer_id, code_id, capture_id, status, awaits_review, claimed_at)
SELECT attribution, (SELECT min(id) FROM referrals_programterms), person, inviter, inviter, i,
       'held', true, at
FROM shape WHERE kind = 'claimed' ORDER BY i;
INSERT INTO referrals_timelineentry (attribution_id, at, from_status, to_status, actor, reason)
SELECT attribution, at, '', 'held', 'system', 'The same device.'
FROM shape WHERE kind = 'claimed' ORDER BY i;
INSERT INTO referrals_decision (referee_id, referrer_id, attribution_id, capture_id, code, at,
    outcome, refusal, evaluations, address_hash)
SELECT person, inviter, CASE WHEN kind = 'claimed' THEN attribution END, i, 'CODE' || inviter,
       -- Refusals of some years ago, too.
       CASE WHEN kind = 'claimed' THEN at ELSE at - interval '200 days' * (i %% 3) END,
       CASE WHEN kind = 'claimed' THEN 'held' ELSE 'refused' END,
       CASE WHEN kind = 'claimed' THEN '' ELSE 'cap_reached' END, '[]', md5(i::text)
FROM shape WHERE kind IN ('claimed', 'held') ORDER BY i;
"""

_OTHERS = """
INSERT INTO accounts_webhookreceipt
    (svix_id, type, clerk_id, payload, status, attempts, received_at, processed_at)
SELECT 'msg_' || n, 'user.updated', 'user_' || n, jsonb_build_object('data', jsonb_build_object(
           'id', 'user_' || n, 'first_name', 'Nok', 'email_addresses', '[]'::jsonb)),
       'processed', 1, at, at
FROM generate_series(1, %(others)s) AS n,
     LATERAL (SELECT now() - interval '180 days' * (1 - n / %(others)s::float8)) AS row (at);
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5(n::text), repeat('x', 200), now() - interval '14 days' * (1 - n / (0.9 * %(others)s))
FROM generate_series(1, %(others)s) AS n;
INSERT INTO rewards_idempotencyrecord (caller, key, fingerprint, body, created_at)
SELECT 'key:1', 'spend-' || n, md5(n::text), '{"transaction": {}, "balances": {}}',
       now() - interval '60 days' * (1 - n / %(others)s::float8)
FROM generate_series(1, %(others)s) AS n;
"""

STAGES = (
    ("shape", _SHAPE),
    ("people", _PEOPLE),
    ("captures", _CAPTURES),
    ("attributions", _ATTRIBUTIONS),
    ("deliveries, sessions, answers", _OTHERS),
)


def prepare(say: Callable[[str], None], *, captures: int, others: int) -> str:
    """Make the scratch database anew and connect to it; return its address."""
    address = fresh_database(NAME)
    connect(NAME)
    with transaction.atomic():
        with without_triggers_and_indexes(say), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB'")
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            for name, statement in STAGES:
                with timed(name, say):
                    cursor.execute(statement, {"captures": captures, "others": others})
        set_sequences()
    with timed("vacuum", say), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return address
