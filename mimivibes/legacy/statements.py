"""What is asked of the replaced system's database.

What goes over many rows at once (the earliest invitation of each, rings, who was paid for whom) is
answered there, so that only pages of rows come over.
"""

# A Clerk id, whole; whatever else stands in "User".id was put there by a seed.
CLERK_ID = "^user_[A-Za-z0-9]{20,40}$"

# What paid an inviter. Lower case is seed data; the invited person's own reward is not meant.
_INVITER_WAS_PAID = """
    "eventType" = upper("eventType") AND "eventType" LIKE '%REFERR%'
    AND "eventType" !~ 'INVITED|INVITEE|REFEREE' AND "deltaCoins" >= 0
"""


def _time(column: str) -> str:
    """Return a time in UTC; NULL for what no calendar of ours knows."""
    return f"""CASE WHEN {column} BETWEEN '1970-01-01' AND '9000-01-01'
               THEN {column} AT TIME ZONE 'UTC' END"""


PEOPLE = f"""
SELECT id, email, name, tel, "imageUrl" AS image_url, stars, coins, exp,
       "freePoint" AS free_points, level, role::text AS role, "prestigeLevel" AS prestige_level,
       "prestigePoints" AS prestige_points, {_time('"createdAt"')} AS created_at,
       {_time('"updatedAt"')} AS updated_at, id ~ '{CLERK_ID}' AS is_clerk_id
FROM "User" ORDER BY id
"""

THERE = """
SELECT id FROM "User" WHERE id = ANY(%s)
"""

BALANCES = """
SELECT coalesce(sum(stars), 0)::bigint AS stars, coalesce(sum("freePoint"), 0)::bigint
       AS free_points, coalesce(sum(coins), 0)::bigint AS coins,
       coalesce(sum(exp), 0)::bigint AS exp
FROM "User"
"""

SHARED_EMAILS = """
SELECT array_agg(id ORDER BY id) AS ids FROM "User"
WHERE trim(email) <> '' GROUP BY lower(trim(email)) HAVING count(*) > 1 ORDER BY 1
"""

READINGS = f"""
SELECT id, "userId" AS user_id, "isDeleted" AS is_deleted, {_time('"createdAt"')} AS at
FROM readings WHERE "userId" = ANY(%s)
"""

# `place` is the rank among old codes that are one here; `own_place` that among its owner's own.
CODES = f"""
WITH folded AS (
    SELECT id, "userId" AS user_id, code, "referredBy" AS referrer, "isUsed" AS is_used,
           {_time('"createdAt"')} AS at,
           upper(regexp_replace(code, '[[:space:]-]+', '', 'g')) AS normal,
           "referredBy" IS NULL AND NOT coalesce("isUsed", false) AS is_own
    FROM referral_codes
), ranked AS (
    SELECT *, row_number() OVER same AS place, first_value(user_id) OVER same AS first_owner
    FROM folded WINDOW same AS (PARTITION BY normal ORDER BY at NULLS LAST, id)
)
SELECT *, row_number() OVER (
    PARTITION BY user_id, is_own AND place = 1 AND normal ~ '^[A-Z0-9]{{4,32}}$'
    ORDER BY at NULLS LAST, id
) AS own_place,
EXISTS (SELECT FROM "User" u WHERE u.id = user_id AND u.id ~ '{CLERK_ID}') AS has_owner
FROM ranked ORDER BY user_id, id
"""

WITHOUT_CODE = f"""
SELECT id FROM "User" u WHERE id ~ '{CLERK_ID}' AND NOT EXISTS (
    SELECT FROM referral_codes c
    WHERE c."userId" = u.id AND c."referredBy" IS NULL AND NOT coalesce(c."isUsed", false)
) ORDER BY id
"""

# The invitations, each with what speaks against it and for it:
# - `objection`: why it cannot stand at all;
# - `place`: 1 for the earliest of a referee that can;
# - `closes_ring`: following who invited whom, by invitations made before it, leads back to its
#   referee. Only that of somebody who had invited others before can: the walk begins at few;
# - `paid`, `paid_at`: how often the referrer was paid for this very person, and when first.
INVITATIONS = f"""
WITH RECURSIVE claim AS MATERIALIZED (
    SELECT c.id, c."userId" AS referee, c."referredBy" AS referrer,
           coalesce({_time('c."createdAt"')}, {_time('c."usedAt"')}) AS at,
           {_time('guest."createdAt"')} AS referee_since,
           CASE WHEN c."userId" = c."referredBy" THEN 'self_referral'
                WHEN guest.id IS NULL OR host.id IS NULL OR guest.id !~ '{CLERK_ID}'
                     OR host.id !~ '{CLERK_ID}' THEN 'person_missing'
                ELSE '' END AS objection
    FROM referral_codes c
    LEFT JOIN "User" guest ON guest.id = c."userId"
    LEFT JOIN "User" host ON host.id = c."referredBy"
    WHERE c."referredBy" IS NOT NULL
), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY referee, objection = '' ORDER BY at NULLS LAST, id)
              AS place
    FROM claim
), standing AS MATERIALIZED (
    SELECT id, referee, referrer, coalesce(at, 'infinity') AS at FROM placed
    WHERE place = 1 AND objection = ''
), walk AS (
    SELECT s.id, s.at, s.referee AS start, s.referrer AS here, ARRAY[s.referrer] AS path
    FROM standing s
    WHERE EXISTS (
        SELECT FROM standing e WHERE e.referrer = s.referee AND (e.at, e.id) < (s.at, s.id)
    )
    UNION ALL
    SELECT w.id, w.at, w.start, s.referrer, w.path || s.referrer
    FROM walk w JOIN standing s ON s.referee = w.here
    WHERE w.here <> w.start AND (s.at, s.id) < (w.at, w.id) AND s.referrer <> ALL(w.path)
), ring AS (
    SELECT DISTINCT id FROM walk WHERE here = start
), paid AS (
    SELECT t."userId" AS referrer, named.id AS referee, count(*) AS times,
           min({_time('t."createdAt"')}) AS at
    FROM "PointTransaction" t CROSS JOIN LATERAL (
        SELECT DISTINCT found[1] AS id
        FROM regexp_matches(t.metadata::text, 'user_[A-Za-z0-9]+', 'g') AS found
    ) AS named
    WHERE {_INVITER_WAS_PAID} GROUP BY 1, 2
), done AS (
    SELECT "userId" AS referee, count(*) AS readings, min({_time('"createdAt"')}) AS at
    FROM readings GROUP BY 1
)
SELECT p.id, p.referee, p.referrer, p.at, p.objection, p.place, ring.id IS NOT NULL AS closes_ring,
       coalesce(paid.times, 0) AS paid, paid.at AS paid_at, coalesce(done.readings, 0) AS readings,
       done.at AS first_reading_at,
       p.at > p.referee_since + interval '7 days' AS came_late
FROM placed p
LEFT JOIN ring ON ring.id = p.id
LEFT JOIN paid ON paid.referrer = p.referrer AND paid.referee = p.referee
LEFT JOIN done ON done.referee = p.referee
ORDER BY p.referee, p.id
"""

# In the order of people, each with what their row says that they hold.
TRANSACTIONS = f"""
SELECT t.id, t."userId" AS user_id, t."eventType" AS event_type, t."deltaPoint" AS delta_point,
       t."deltaCoins" AS delta_coins, t."deltaExp" AS delta_exp, t.metadata::text AS metadata,
       {_time('t."createdAt"')} AS at, u.stars, u."freePoint" AS free_points, u.coins, u.exp,
       u.id IS NOT NULL AS is_known
FROM "PointTransaction" t LEFT JOIN "User" u ON u.id = t."userId"
ORDER BY t."userId", t.id
"""

EXCHANGES = f"""
SELECT id, "userId" AS user_id, "exchangeType" AS event_type, "coinAmount" AS coins,
       "receivedItem" AS item, "receivedAmount" AS received, metadata::text AS metadata, status,
       {_time('"createdAt"')} AS at
FROM "CoinExchange" ORDER BY "userId", id
"""

WITHOUT_TRANSACTIONS = """
SELECT count(*) AS people FROM "User" u
WHERE (stars, "freePoint", coins, exp) IS DISTINCT FROM (0, 0, 0, 0)
  AND NOT EXISTS (SELECT FROM "PointTransaction" t WHERE t."userId" = u.id)
"""

REWARDS = """
SELECT name, rewards::text AS rewards, "isActive" AS is_active
FROM reward_configurations ORDER BY name, id
"""

RATES = """
SELECT "exchangeType" AS exchange_type, "receivedItem" AS item, "coinPerUnit" AS price,
       "isActive" AS is_active
FROM "ExchangeSetting" ORDER BY "exchangeType", id
"""
