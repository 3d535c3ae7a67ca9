"""The rows of the large database, stage by stage, in SQL.

`shape` says of each person who invited them, when, and what became of it; the tables follow from
it. Attributions and transactions have UUIDs of version 7, as the application gives them. Columns
that are not named here are empty, zero or false.
"""

_SHAPE = """
CREATE FUNCTION pg_temp.uuid7(at timestamptz, salt text) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(salt), 1, 3) || '8' || substr(md5(salt), 4, 15))::uuid
$$;
CREATE FUNCTION pg_temp.pick(words text[], draw float8) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT words[1 + floor(array_length(words, 1) * draw)::int]
$$;
SELECT setseed(0.42);
CREATE TEMPORARY TABLE shape ON COMMIT DROP AS
WITH drawn AS MATERIALIZED (
    SELECT i, now() - interval '365 days' * (1 - i / (%(people)s + 1.0)::float8) AS at,
           random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
    FROM generate_series(1, %(people)s::bigint) AS i
)
SELECT i, at, pg_temp.uuid7(at, 'attribution' || i) AS attribution,
       pg_temp.uuid7(at, 'session' || i) AS session,
       md5('device' || (i - (i %% 50 = 0)::int))::uuid AS device,  -- some share one
       'N' || upper(lpad(to_hex(i * 2654435761 %% 4294967296), 8, '0')) AS code,
       -- Somebody earlier; the first few have invited thousands.
       CASE WHEN i > 1 THEN 1 + floor((i - 1) * power(a, 3))::bigint END AS inviter,
       CASE WHEN b < 0.01 THEN 'held' WHEN b < 0.41 THEN 'pending' WHEN b < 0.43 THEN 'qualified'
            WHEN b < 0.93 THEN 'rewarded' WHEN b < 0.95 THEN 'rejected' ELSE 'reversed' END
           AS status,
       CASE WHEN i < %(people)s * 0.08 AND c < 0.3 THEN 1001 + (d < 0.5)::int
            ELSE (SELECT min(id) FROM referrals_programterms) END AS terms,
       d < 0.005 AS is_deleted, d > 0.998 AS is_banned,
       CASE WHEN e < 0.05
            THEN pg_temp.pick(ARRAY['มาลัย', 'สุดา', 'ธนา', 'น้ำฝน', 'สมชาย', 'เล็ก'], c)
            ELSE pg_temp.pick(ARRAY['Som', 'Nok', 'Pra', 'Kan', 'Ma', 'Su', 'Wi', 'Tha', 'A', 'Na',
                    'Chai', 'Pim', 'Rat', 'Si', 'Jira', 'O', 'Ben', 'Em', 'Lu', 'Da'], b * d)
                 || pg_temp.pick(ARRAY['chai', 'sri', 'da', 'porn', 'lek', 'wat', 'nee', 'ree',
                    'mon', 'ya', 'sak', 'kan', 'ti', 'rin', 'la', 'na', 'tip', 'pat', 'wan'], c)
       END AS first_name,
       pg_temp.pick(ARRAY['Jai', 'Wong', 'Sae', 'Thong', 'Rak', 'Suk', 'Bun', 'Phan', 'Kaew',
                    'Sri', 'Chan', 'Sang', 'Dee', 'Mee', 'In', 'Kham', 'Pong', 'Rung', 'Tan'], a)
       || pg_temp.pick(ARRAY['dee', 'sawat', 'lim', 'chai', 'prasert', 'suk', 'mongkol', 'raksa',
                    'nont', 'kul', 'anan', 'charoen', 'siri', 'pakdee', 'yai', 'noi'], e)
           AS last_name
FROM drawn ORDER BY i;
CREATE UNIQUE INDEX ON shape (i) INCLUDE (code);
ANALYZE shape;
"""

_PROGRAM = """
INSERT INTO referrals_program (slug, name, created_at, starts_at, ends_at) VALUES
    ('autumn', 'Autumn', now(), now() - interval '365 days', now() - interval '335 days');
INSERT INTO referrals_programterms
SELECT (jsonb_populate_record(first, jsonb_build_object(
    'id', 1000 + n, 'version', n, 'program_id', autumn.id,
    'referee_stars', 1 + n, 'referrer_coins', 80
))).*
FROM referrals_programterms AS first, referrals_program AS autumn, generate_series(1, 2) AS n
WHERE first.id = (SELECT min(id) FROM referrals_programterms) AND autumn.slug = 'autumn';
"""

_USERS = """
INSERT INTO accounts_user (id, clerk_id, email, email_verified, first_name, last_name, image_url,
    account_created_at, clerk_updated_at, created_at, banned_at, deleted_at, is_active)
SELECT i, 'user_' || substr(md5('clerk' || i), 1, 27),
       CASE WHEN NOT is_deleted THEN
           CASE WHEN first_name ~ '^[A-Z]' THEN lower(first_name) ELSE 'p' END
           || '.' || lower(last_name) || i
           || pg_temp.pick(ARRAY['@example.com', '@mail.example', '@example.org'], i %% 97 / 97.0)
       ELSE '' END,
       NOT is_deleted AND i %% 10 > 0,
       CASE WHEN is_deleted THEN '' ELSE first_name END,
       CASE WHEN is_deleted THEN '' ELSE last_name END,
       CASE WHEN is_deleted THEN '' ELSE 'https://images.example.com/' || i END,
       CASE WHEN NOT is_deleted THEN at - interval '5 minutes' END,
       CASE WHEN NOT is_deleted THEN at END,
       at,
       CASE WHEN is_banned THEN at + interval '1 hour' END,
       CASE WHEN is_deleted THEN at + interval '1 hour' END,
       true
FROM shape ORDER BY i;
INSERT INTO accounts_user (id, username, created_at, is_staff, is_active)
SELECT %(people)s + n, 'staff' || n, now(), true, true FROM generate_series(1, 20) AS n;
"""

_CODES = """
INSERT INTO referrals_referralcode
    (id, program_id, owner_id, code, is_primary, is_active, created_at)
SELECT i, (SELECT id FROM referrals_program WHERE is_default), i, code, true, i %% 2000 > 0, at
FROM shape ORDER BY i;
INSERT INTO referrals_referralcode (id, program_id, owner_id, code, is_active, created_at)
SELECT %(people)s + n, (SELECT id FROM referrals_program WHERE is_default), n,
       CASE WHEN n = 1 THEN 'NOK2025' ELSE 'OLD' || n END, true, now() - interval '300 days'
FROM generate_series(1, 500) AS n;
"""

_BROWSERS = """
INSERT INTO referrals_browsersession (id, device_id, created_at, adopted_by_id, adopted_at)
SELECT session, device, at - interval '10 minutes', i, at FROM shape WHERE i > 1 ORDER BY i;
INSERT INTO referrals_browsersession (id, device_id, created_at)
SELECT pg_temp.uuid7(at, 'visitor' || i), md5('visitor' || i)::uuid, at
FROM shape WHERE i %% 4 = 0 ORDER BY i;
INSERT INTO referrals_userdevice (device_id, user_id, first_seen_at)
SELECT device, i, at FROM shape ORDER BY i;
"""

_CAPTURES = """
INSERT INTO referrals_capture (id, code_id, browser_session_id, user_id, first_opened_at,
    opened_at, expires_at, adopted_at, landing_url, closed_at, closed_reason)
SELECT i, inviter, session, i, at - interval '10 minutes', at - interval '9 minutes',
       at + interval '30 days', at - interval '1 minute', 'https://app.example.com/?ref=x', at,
       'claimed'
FROM shape WHERE i > 1 ORDER BY i;
INSERT INTO referrals_capture (id, code_id, browser_session_id, first_opened_at, opened_at,
    expires_at, closed_at, closed_reason)
SELECT %(people)s + i, inviter, pg_temp.uuid7(at, 'visitor' || i), at, at, at + interval '30 days',
       CASE WHEN i %% 400 = 0 THEN at END, CASE WHEN i %% 400 = 0 THEN 'forgotten' ELSE '' END
FROM shape WHERE i %% 4 = 0 ORDER BY i;
"""

_ATTRIBUTIONS = """
INSERT INTO referrals_attribution (id, terms_id, referee_id, referrer_id, code_id, capture_id,
    status, awaits_age, awaits_review, claimed_at, qualified_at, release_at, rewarded_at)
SELECT attribution, terms, i, inviter, inviter, i, status,
       status = 'held' AND i %% 20 = 0, status = 'held' AND i %% 20 > 0, at,
       CASE WHEN status IN ('qualified', 'rewarded') THEN at + interval '1 hour' END,
       CASE WHEN status IN ('qualified', 'rewarded') THEN at + interval '1 day' END,
       CASE WHEN status = 'rewarded' THEN at + interval '1 day' END
FROM shape WHERE i > 1 ORDER BY i;
"""

_TIMELINE = """
INSERT INTO referrals_timelineentry (attribution_id, at, from_status, to_status, actor, reason)
SELECT attribution, at + step.after, step.from_status, step.to_status, 'system', step.reason
FROM shape CROSS JOIN LATERAL (VALUES
    (interval '0', '', CASE WHEN status IN ('held', 'rejected') THEN 'held' ELSE 'pending' END,
     'Claimed; every rule passed.', true),
    (interval '1 hour', 'pending', 'qualified', 'The event evt came.',
     status IN ('qualified', 'rewarded')),
    (interval '1 day', 'qualified', 'rewarded', 'The hold is over.', status = 'rewarded'),
    (interval '2 days', 'held', 'rejected', 'The same person.', status = 'rejected'),
    (interval '2 days', 'pending', 'reversed', 'The same person.', status = 'reversed')
) AS step (after, from_status, to_status, reason, happened)
WHERE i > 1 AND happened ORDER BY i;
"""

_DECISIONS = """
WITH rules AS (
    SELECT jsonb_agg(jsonb_build_object('rule', rule, 'verdict', 'pass', 'reason', reason))
               AS passed
    FROM (VALUES
        ('code_exists', 'The code exists.'), ('code_active', 'The code is active.'),
        ('program_running', 'The program is running.'),
        ('referrer_in_good_standing', 'Its owner is neither deleted nor banned.'),
        ('not_own_code', 'The code is somebody else''s.'),
        ('referrer_came_first', 'Its owner was here before.'),
        ('new_account', 'The account was new.'), ('devices', 'They share no device.'),
        ('mailbox', 'The mailboxes differ.'), ('velocity', 'Nothing unusual.')
    ) AS rule (rule, reason)
)
INSERT INTO referrals_decision (referee_id, referrer_id, attribution_id, terms_id, capture_id, code,
    at, outcome, evaluations)
SELECT i, inviter, attribution, terms, i, upper('N' || lpad(to_hex(inviter * 2654435761
           %% 4294967296), 8, '0')), at,
       CASE WHEN status IN ('held', 'rejected') THEN 'held' ELSE 'accepted' END, passed
FROM shape, rules WHERE i > 1 ORDER BY i;
INSERT INTO referrals_decision (referee_id, code, at, outcome, refusal, evaluations)
SELECT i, CASE WHEN i %% 3 = 0 THEN 'NOK2O25' ELSE 'N' || i END, at + interval '3 days', 'refused',
       pg_temp.pick(ARRAY['code_not_found', 'already_attributed', 'self_referral',
           'not_new_account'], i %% 83 / 83.0), '[]'
FROM shape WHERE i %% 7 = 0 ORDER BY i;
"""

_EVENTS = """
INSERT INTO referrals_qualifyingevent
    (event_id, type, user_id, occurred_at, received_at, data, content_hash, source)
SELECT 'evt_' || i || '_' || n,
       CASE WHEN i %% 2000 = 0 THEN 'purchase.completed' ELSE 'reading.completed' END, i,
       at + n * interval '1 hour', at + n * interval '1 hour', '{}', md5(i::text), 'key:1'
FROM shape, generate_series(1, 2) AS n WHERE status IN ('qualified', 'rewarded') ORDER BY i, n;
"""

_TRANSACTIONS = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT pg_temp.uuid7(at + after, kind || i || n) AS id, user_id, kind, key, reference, memo,
       currency, amount, at + after AS at,
       CASE WHEN kind = 'reversal' THEN pg_temp.uuid7(at, 'referral_referee' || i || 1) END
           AS reverses
FROM shape JOIN referrals_programterms AS promised ON promised.id = terms
CROSS JOIN LATERAL (VALUES
    (0, 'reward', i, 'rule:1:' || i, '', 'Welcome', 'free_points', 3, interval '0', i %% 2 = 0),
    (1, 'referral_referee', i, 'attribution:' || attribution || ':referee',
     'attribution:' || attribution, 'Reward for accepting an invitation', 'stars',
     promised.referee_stars, interval '0', status NOT IN ('held', 'rejected') AND i > 1),
    (2, 'referral_referrer', inviter, 'attribution:' || attribution || ':referrer',
     'attribution:' || attribution, 'Reward for inviting a friend', 'coins',
     promised.referrer_coins, interval '1 day', status = 'rewarded' AND i > 1),
    (3, 'reversal', i, 'reverse:' || attribution, 'attribution:' || attribution,
     'The same person.', 'stars', -promised.referee_stars, interval '2 days',
     status = 'reversed' AND i > 1)
) AS line (n, kind, user_id, key, reference, memo, currency, amount, after, happened)
WHERE happened ORDER BY 9, 1;
INSERT INTO rewards_transaction (id, user_id, kind, idempotency_key, fingerprint, reference, memo,
    actor, reverses_id, created_at)
SELECT id, user_id, kind, key, md5(key) || md5(key), reference, memo, 'system', reverses, at
FROM made;
"""

_ENTRIES = """
INSERT INTO rewards_entry (transaction_id, user_id, house, currency, amount)
SELECT id, CASE WHEN side = 1 THEN user_id END, CASE WHEN side = 1 THEN '' ELSE 'issued' END,
       currency, side * amount
FROM made, unnest(ARRAY[-1, 1]) AS side ORDER BY at, id, side;
INSERT INTO rewards_balance (user_id, currency, amount)
SELECT user_id, currency, sum(amount) FROM made GROUP BY 1, 2 ORDER BY 1, 2;
"""

_INBOX = """
INSERT INTO accounts_webhookreceipt
    (svix_id, type, clerk_id, payload, status, reason, attempts, received_at, next_attempt_at,
     processed_at)
SELECT 'msg_' || md5('svix' || i), CASE WHEN i %% 9 = 0 THEN 'user.updated' ELSE 'user.created' END,
       'user_' || substr(md5('clerk' || i), 1, 27), NULL,
       CASE WHEN i %% 5000 = 0 THEN 'failed' ELSE 'processed' END,
       CASE WHEN i %% 5000 = 0 THEN 'OperationalError' ELSE '' END, 1, at,
       CASE WHEN i %% 5000 = 0 THEN now() END, CASE WHEN i %% 5000 > 0 THEN at END
FROM shape WHERE i > %(people)s * 0.7 ORDER BY i;
INSERT INTO accounts_apikey (name, prefix, key_hash, scopes, created_at)
SELECT 'Service ' || n, 'mk_' || n, md5('key' || n), ARRAY['events'], now()
FROM generate_series(1, 5) AS n;
"""

STAGES = (
    ("shape", _SHAPE),
    ("programs", _PROGRAM),
    ("people", _USERS),
    ("codes", _CODES),
    ("browsers", _BROWSERS),
    ("captures", _CAPTURES),
    ("attributions", _ATTRIBUTIONS),
    ("timeline", _TIMELINE),
    ("decisions", _DECISIONS),
    ("events", _EVENTS),
    ("transactions", _TRANSACTIONS),
    ("entries and balances", _ENTRIES),
    ("inbox", _INBOX),
)
