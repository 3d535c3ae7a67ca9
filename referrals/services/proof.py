"""Prove that the ledger holds what the attributions say: no more, no less."""

from django.db import connection

from rewards.services import Fault


def verify_attributions(*, user_id: int | None = None) -> list[Fault]:
    """Return each attribution whose rewards, or whose place after a move, are not as they must be.

    A referee is paid from `pending` on, a referrer when `rewarded`; whoever is held, rejected or
    reversed has nothing that is not taken back. A reward that was paid and then taken back for its
    own sake, not in the attribution's name, is a correction and no fault. What replaces an
    attribution has its referee and its terms, and they never live both. Each check is one
    statement, so that it sees one moment.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNPROVEN, {"user_id": user_id})
        faults = [_fault(*row) for row in cursor.fetchall()]
        cursor.execute(_MISPLACED, {"user_id": user_id})
        return faults + [Fault(*row) for row in cursor.fetchall()]


def _fault(attribution_id: str, status: str, side: str, owed: bool, last_done: str) -> Fault:
    if last_done == "corrected" or owed == (last_done == "paid"):
        detail = f"The {side} was paid other amounts than the terms name, or somebody else was."
        code = "attribution_paid_wrongly"
    else:
        told = "is not paid" if owed else "is paid and should not be"
        code, detail = "attribution_not_as_paid", f"It is {status}; the {side} {told}."
    return Fault(code, f"attribution {attribution_id}", detail)


_UNPROVEN = """
WITH side AS (
    SELECT a.id, a.status, s.name, s.user_id, s.promised,
           s.promised <> ARRAY[0, 0, 0, 0]
               AND (s.name = 'referee' AND a.status IN ('pending', 'qualified', 'rewarded')
                    OR s.name = 'referrer' AND a.status = 'rewarded') AS owed,
           posted.id AS transaction_id, posted.user_id AS paid_user_id,
           CASE WHEN posted.id IS NULL THEN 'nothing'
           WHEN NOT EXISTS (
               SELECT FROM rewards_transaction reversal WHERE reversal.reverses_id = posted.id
           ) THEN 'paid' ELSE (
               -- A reversal can be reversed in its turn: an even number of them leaves it paid.
               WITH RECURSIVE chain AS (
                   SELECT posted.id, posted.idempotency_key, 0 AS reversals
                   UNION ALL
                   SELECT later.id, later.idempotency_key, chain.reversals + 1
                   FROM rewards_transaction later JOIN chain ON later.reverses_id = chain.id
               )
               SELECT CASE
                   WHEN reversals %% 2 = 0 THEN 'paid'
                   WHEN idempotency_key LIKE 'attribution:' || a.id || ':%%' THEN 'taken back'
                   ELSE 'corrected' END
               FROM chain ORDER BY reversals DESC LIMIT 1
           ) END AS last_done
    FROM referrals_attribution a
    JOIN referrals_programterms t ON t.id = a.terms_id
    CROSS JOIN LATERAL (VALUES
        ('referee', a.referee_id,
         ARRAY[t.referee_stars, t.referee_free_points, t.referee_coins, t.referee_exp]),
        ('referrer', a.referrer_id,
         ARRAY[t.referrer_stars, t.referrer_free_points, t.referrer_coins, t.referrer_exp])
    ) AS s (name, user_id, promised)
    LEFT JOIN rewards_transaction posted
        ON posted.idempotency_key = 'attribution:' || a.id || ':' || s.name
    WHERE %(user_id)s::bigint IS NULL OR %(user_id)s IN (a.referee_id, a.referrer_id)
)
SELECT id, status, name, owed, last_done
FROM side
WHERE CASE WHEN owed THEN last_done IN ('nothing', 'taken back') ELSE last_done = 'paid' END
   OR transaction_id IS NOT NULL AND (paid_user_id <> user_id OR promised <> ARRAY(
        SELECT COALESCE(sum(e.amount) FILTER (WHERE e.currency = c.name), 0)::int
        FROM unnest(ARRAY['stars', 'free_points', 'coins', 'exp']) WITH ORDINALITY AS c (name, n)
        LEFT JOIN rewards_entry e
            ON e.transaction_id = side.transaction_id AND e.user_id = side.paid_user_id
        GROUP BY c.name, c.n ORDER BY c.n
   ))
ORDER BY id, name
"""

_MISPLACED = """
WITH pair AS (
    SELECT new.id, new.replaces_id, new.referee_id,
           new.referee_id <> old.referee_id AS of_another_referee,
           (new.terms_id, new.claimed_at) <> (old.terms_id, old.claimed_at) AS on_other_terms,
           new.referrer_id = old.referrer_id AS by_the_same_referrer,
           new.status = ANY(ARRAY['held', 'pending', 'qualified', 'rewarded']) AS is_live,
           old.status = ANY(ARRAY['held', 'pending', 'qualified', 'rewarded']) AS old_is_live
    FROM referrals_attribution AS new
    JOIN referrals_attribution AS old ON old.id = new.replaces_id
    WHERE %(user_id)s::bigint IS NULL
       OR %(user_id)s IN (new.referee_id, new.referrer_id, old.referee_id, old.referrer_id)
)
SELECT 'attribution_replaces_wrongly', 'attribution ' || id, told
FROM (
    SELECT id, 'It replaces ' || replaces_id || ', which is of another referee.' AS told
    FROM pair WHERE of_another_referee
    UNION ALL
    SELECT id, 'It replaces ' || replaces_id || ', which was claimed at another time or under'
               || ' other terms.' FROM pair WHERE on_other_terms
    UNION ALL
    SELECT id, 'It replaces ' || replaces_id || ', which is by the same referrer.'
    FROM pair WHERE by_the_same_referrer
    UNION ALL
    SELECT id, 'It lives together with ' || replaces_id || ', which it replaces.'
    FROM pair WHERE is_live AND old_is_live
    UNION ALL
    SELECT min(id::text)::uuid, 'It is one of ' || count(*) || ' that live and replace '
                                || replaces_id || '.'
    FROM pair WHERE is_live GROUP BY replaces_id HAVING count(*) > 1
) AS fault
ORDER BY 2, 3
"""
