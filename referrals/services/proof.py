"""Prove that the ledger holds what the attributions say: no more, no less."""

from django.db import connection

from rewards.services import Fault


def verify_attributions(*, user_id: int | None = None) -> list[Fault]:
    """Return each attribution whose rewards on the ledger are not exactly those of its terms.

    A referee is paid from `pending` on, a referrer when `rewarded`; whoever is held, rejected or
    reversed has nothing that is not taken back. A reward that was paid and then reversed for its
    own sake, with the attribution left standing, is a correction and no fault. One statement, so
    that it sees one moment.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNPROVEN, {"user_id": user_id})
        return [_fault(*row) for row in cursor.fetchall()]


def _fault(attribution_id: str, status: str, side: str, owed: bool, paid: bool) -> Fault:
    if owed == paid:
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
           -- A reversal can be reversed in its turn: an even number of them leaves it paid.
           CASE WHEN NOT EXISTS (
               SELECT FROM rewards_transaction reversal WHERE reversal.reverses_id = posted.id
           ) THEN posted.id IS NOT NULL ELSE (
               WITH RECURSIVE chain AS (
                   SELECT posted.id, 0 AS reversals
                   UNION ALL
                   SELECT later.id, chain.reversals + 1
                   FROM rewards_transaction later JOIN chain ON later.reverses_id = chain.id
               )
               SELECT max(reversals) %% 2 = 0 FROM chain
           ) END AS paid
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
SELECT id, status, name, owed, paid
FROM side
WHERE CASE WHEN owed THEN transaction_id IS NULL ELSE paid END
   OR paid AND (paid_user_id <> user_id OR promised <> ARRAY(
        SELECT COALESCE(sum(e.amount) FILTER (WHERE e.currency = c.name), 0)::int
        FROM unnest(ARRAY['stars', 'free_points', 'coins', 'exp']) WITH ORDINALITY AS c (name, n)
        LEFT JOIN rewards_entry e
            ON e.transaction_id = side.transaction_id AND e.user_id = side.paid_user_id
        GROUP BY c.name, c.n ORDER BY c.n
   ))
ORDER BY id, name
"""
