"""Prove the ledger: each statement looks for one kind of fault in the whole of it, and finds none.

The database's own constraints and triggers should make every one of them impossible. This asks
again, from the rows alone, for what was done with triggers off, by a restore, or by hand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection

from rewards.models import KEPT_FAULTS, LedgerProof


@dataclass(frozen=True, slots=True)
class Fault:
    """Something on the ledger that must not be: its kind, what it concerns, a sentence."""

    code: str
    subject: str
    detail: str


def verify_ledger(
    *, user_id: int | None = None, progress: Callable[..., object] = lambda done, total: None
) -> list[Fault]:
    """Return every fault of the ledger, or of one user's part of it.

    Each check is one statement, so that it sees one moment, and is right on a busy database; only
    faults leave the database. `progress` is told how many checks more are done, of which `total`.
    """
    faults: list[Fault] = []
    progress(0, total=len(_CHECKS))
    for check in _CHECKS:
        faults += _run(check, user_id=user_id)
        progress(1, total=len(_CHECKS))
    return faults


def record_proof(*, started_at: datetime, seconds: float, faults: Sequence[Fault]) -> LedgerProof:
    """Keep what a proof of the whole ledger found: how many faults, and the first of them.

    `started_at` is the moment that it speaks of; `seconds` is how long it took.
    """
    return LedgerProof.objects.create(
        started_at=started_at,
        seconds=seconds,
        fault_count=len(faults),
        faults=[asdict(fault) for fault in faults[:KEPT_FAULTS]],
    )


def last_proof() -> LedgerProof | None:
    """Return the newest proof of the whole ledger, if there was one ever; one query."""
    return LedgerProof.objects.order_by("-started_at", "-id").first()


def _run(check: str, *, user_id: int | None) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(check, {"user_id": user_id, "guards": _GUARDS})
        while rows := cursor.fetchmany(1000):
            yield from (Fault(*row) for row in rows)


_GUARDS = [
    "balance_begins_at_zero",
    "balance_follows_entries",
    "balance_is_not_truncated",
    "entry_is_append_only",
    "entry_is_checked",
    "entry_keeps_balances",
    "transaction_is_append_only",
    "transaction_is_checked",
]

_MISSING_GUARDS = """
SELECT 'guard_missing', guard, 'The trigger ' || guard || ' is missing or switched off.'
FROM unnest(%(guards)s::text[]) AS guard
WHERE NOT EXISTS (
    SELECT FROM pg_trigger
    WHERE tgname = guard AND tgenabled IN ('O', 'A') AND tgrelid IN (
        'rewards_transaction'::regclass, 'rewards_entry'::regclass, 'rewards_balance'::regclass
    )
)
ORDER BY guard
"""

_EMPTY = """
SELECT 'transaction_empty', made.id::text, 'The transaction has no entries.'
FROM rewards_transaction AS made
WHERE (%(user_id)s::bigint IS NULL OR made.user_id = %(user_id)s)
  AND NOT EXISTS (SELECT FROM rewards_entry AS entry WHERE entry.transaction_id = made.id)
ORDER BY made.id
"""

_UNBALANCED = """
SELECT 'transaction_unbalanced', transaction_id::text,
       'Its entries in ' || currency || ' sum to ' || sum(amount) || ', not to zero.'
FROM rewards_entry
WHERE %(user_id)s::bigint IS NULL OR transaction_id IN (
    SELECT id FROM rewards_transaction WHERE user_id = %(user_id)s
)
GROUP BY transaction_id, currency
HAVING sum(amount) <> 0
ORDER BY transaction_id, currency
"""

_STRANGERS = """
SELECT 'entry_of_another_user', made.id::text,
       'The transaction is user ' || made.user_id || '''s, and has an entry of user '
       || entry.user_id || '.'
FROM rewards_entry AS entry JOIN rewards_transaction AS made ON made.id = entry.transaction_id
WHERE entry.user_id <> made.user_id
  AND (%(user_id)s::bigint IS NULL OR made.id IN (
      SELECT id FROM rewards_transaction WHERE user_id = %(user_id)s
      UNION SELECT transaction_id FROM rewards_entry WHERE user_id = %(user_id)s
  ))
ORDER BY made.id, entry.id
"""

_BALANCES = """
SELECT CASE WHEN held.id IS NULL THEN 'balance_missing'
            WHEN held.amount < 0 THEN 'balance_negative'
            ELSE 'balance_differs' END,
       'user ' || user_id || ', ' || currency,
       'The balance is ' || coalesce(held.amount::text, 'missing')
       || ', the entries sum to ' || coalesce(entered.amount, 0) || '.'
FROM (
    SELECT user_id, currency, sum(amount) AS amount FROM rewards_entry
    WHERE user_id IS NOT NULL AND (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s)
    GROUP BY user_id, currency
) AS entered
FULL JOIN (
    SELECT * FROM rewards_balance
    WHERE %(user_id)s::bigint IS NULL OR user_id = %(user_id)s
) AS held USING (user_id, currency)
WHERE held.amount IS DISTINCT FROM coalesce(entered.amount, 0) OR held.amount < 0
ORDER BY user_id, currency
"""

_REVERSALS = """
SELECT 'reversal_without_original', reversal.id::text,
       'The transaction says that it reverses another, and names none that exists.'
FROM rewards_transaction AS reversal
LEFT JOIN rewards_transaction AS original ON original.id = reversal.reverses_id
WHERE reversal.kind = 'reversal' AND original.id IS NULL
  AND (%(user_id)s::bigint IS NULL OR reversal.user_id = %(user_id)s)
UNION ALL
SELECT 'reversal_of_another_user', reversal.id::text,
       'It reverses ' || original.id || ', which is user ' || original.user_id || '''s.'
FROM rewards_transaction AS reversal
JOIN rewards_transaction AS original ON original.id = reversal.reverses_id
WHERE original.user_id <> reversal.user_id
  AND (%(user_id)s::bigint IS NULL OR %(user_id)s IN (reversal.user_id, original.user_id))
UNION ALL
SELECT 'reversal_reversed_twice', min(reversal.id::text),
       'Transaction ' || reversal.reverses_id || ' is reversed ' || count(*) || ' times.'
FROM rewards_transaction AS reversal
WHERE reversal.reverses_id IS NOT NULL
  AND (%(user_id)s::bigint IS NULL OR reversal.user_id = %(user_id)s)
GROUP BY reversal.reverses_id
HAVING count(*) > 1
"""

# What the user could not give back stands on `clawed_back`: the two together mirror the original,
# and the user moves back by what they had come, or by as much of it as is left.
_MIRRORS = """
SELECT 'reversal_not_mirrored', reversal.id::text,
       'With its original, ' || reversal.reverses_id || ', ' || pair.account || ' moves '
       || sum(pair.amount) || ' ' || pair.currency || ', not zero.'
FROM rewards_transaction AS reversal
CROSS JOIN LATERAL (
    SELECT currency, amount,
           CASE WHEN house IN ('', 'clawed_back') THEN 'the user' ELSE house END AS account
    FROM rewards_entry
    WHERE transaction_id IN (reversal.id, reversal.reverses_id)
) AS pair
WHERE reversal.reverses_id IS NOT NULL
  AND (%(user_id)s::bigint IS NULL OR reversal.user_id = %(user_id)s)
GROUP BY reversal.id, pair.account, pair.currency
HAVING sum(pair.amount) <> 0
UNION ALL
SELECT 'reversal_not_mirrored', reversal.id::text,
       'Its original, ' || reversal.reverses_id || ', moved the user by ' || moved.came || ' '
       || moved.currency || ', and it moves them by ' || moved.goes || '.'
FROM rewards_transaction AS reversal
CROSS JOIN LATERAL (
    SELECT currency,
           coalesce(sum(amount) FILTER (WHERE transaction_id = reversal.reverses_id), 0) AS came,
           coalesce(sum(amount) FILTER (WHERE transaction_id = reversal.id), 0) AS goes
    FROM rewards_entry
    WHERE transaction_id IN (reversal.id, reversal.reverses_id) AND house = ''
    GROUP BY currency
) AS moved
WHERE reversal.reverses_id IS NOT NULL
  AND (%(user_id)s::bigint IS NULL OR reversal.user_id = %(user_id)s)
  AND moved.goes NOT BETWEEN -moved.came AND greatest(-moved.came, 0)
ORDER BY 2, 3
"""

_GRANT_REQUESTS = """
SELECT 'grant_request_paid_wrongly', 'grant request ' || request.id,
       'It asked for other amounts than transaction ' || request.transaction_id
       || ' moved, or for somebody else.'
FROM rewards_grantrequest AS request
JOIN rewards_transaction AS made ON made.id = request.transaction_id
WHERE (%(user_id)s::bigint IS NULL OR %(user_id)s IN (request.user_id, made.user_id))
  AND (made.user_id <> request.user_id
       OR ARRAY[request.stars, request.free_points, request.coins, request.exp] <> ARRAY(
            SELECT coalesce(sum(entry.amount) FILTER (WHERE entry.currency = wanted.name), 0)
            FROM unnest(ARRAY['stars', 'free_points', 'coins', 'exp'])
                WITH ORDINALITY AS wanted (name, n)
            LEFT JOIN rewards_entry AS entry
                ON entry.transaction_id = made.id AND entry.user_id = made.user_id
            GROUP BY wanted.name, wanted.n ORDER BY wanted.n
       )::bigint[])
ORDER BY request.id
"""

_CHECKS = [
    _MISSING_GUARDS,
    _EMPTY,
    _UNBALANCED,
    _STRANGERS,
    _BALANCES,
    _REVERSALS,
    _MIRRORS,
    _GRANT_REQUESTS,
]
