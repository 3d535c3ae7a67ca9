"""Read what the house has given in a time, what of it was taken back, and what it may give next."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Min

from rewards.amounts import Amounts
from rewards.models import GrantRequest


@dataclass(frozen=True, slots=True)
class Issued:
    """What transactions of one kind issued; what reversals took back of that kind is negative."""

    kind: str
    given: Amounts
    taken_back: Amounts

    @property
    def net(self) -> Amounts:
        return self.given + self.taken_back


def issued_by_kind(*, begins: datetime, ends: datetime) -> list[Issued]:
    """Return what was issued from `begins` until before `ends`, by kind; two queries.

    A reversal counts on the day that it was made, for the kind of what it reverses; the reversal of
    a reversal gives again.
    """
    period = {"begins": begins, "ends": ends}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_AND_LAST, period)
        ((first, last),) = cursor.fetchall()
        cursor.execute(_ISSUED, {**period, "first": first, "last": last})
        rows = cursor.fetchall()
    issued: dict[str, Issued] = {}
    for kind, currency, given, taken_back in rows:
        so_far = issued.get(kind, Issued(kind, Amounts(), Amounts()))
        issued[kind] = Issued(
            kind,
            so_far.given + Amounts(**{currency: int(given)}),
            so_far.taken_back + Amounts(**{currency: int(taken_back)}),
        )
    return [issued[kind] for kind in sorted(issued)]


class GrantsWaiting(NamedTuple):
    """How many grants wait for a second person, and since when the first does."""

    waiting: int
    oldest_at: datetime | None


def grants_waiting() -> GrantsWaiting:
    """Return what waits now; one query, of their own index."""
    waiting = GrantRequest.objects.filter(status=GrantRequest.Status.WAITING)
    return GrantsWaiting(**waiting.aggregate(waiting=Count("*"), oldest_at=Min("requested_at")))


def earned_between(
    *, user_ids: Collection[int], kinds: Iterable[str], begins: datetime, ends: datetime
) -> dict[int, Amounts]:
    """Return what transactions of these kinds brought each user, made between `begins` and `ends`.

    Net of all that has been taken back of them since; who earned nothing is left out. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _EARNED,
            {"user_ids": list(user_ids), "kinds": list(kinds), "begins": begins, "ends": ends},
        )
        rows = cursor.fetchall()
    earned: dict[int, Amounts] = {}
    for user_id, currency, amount in rows:
        earned[user_id] = earned.get(user_id, Amounts()) + Amounts(**{currency: int(amount)})
    return earned


# Entries have no time of their own; but ids of transactions rise with time, nearly, so that between
# the first and the last of a period there are few others, and the index is read there alone. (As
# arrays, for PostgreSQL knows no least UUID; asked beforehand, for it plans by what it knows.)
_FIRST_AND_LAST = """
SELECT (min(ARRAY[id]))[1], (max(ARRAY[id]))[1] FROM rewards_transaction
WHERE created_at >= %(begins)s AND created_at < %(ends)s
"""

# Reversals are few: each is followed to its origin by index (OFFSET 0 keeps the planner from
# hashing every reversal that there ever was), and all else needs no such walk. In order of
# ids, which is nearly theirs already, the two indexes are merged: a third quicker than hashed.
_ISSUED = """
WITH RECURSIVE chain AS (
    SELECT id, reverses_id AS link, kind FROM rewards_transaction
    WHERE reverses_id IS NOT NULL AND created_at >= %(begins)s AND created_at < %(ends)s
    UNION ALL
    SELECT chain.id, earlier.reverses_id, earlier.kind
    FROM chain CROSS JOIN LATERAL (
        SELECT reverses_id, kind FROM rewards_transaction WHERE id = chain.link OFFSET 0
    ) AS earlier
), made AS (
    SELECT id, kind FROM rewards_transaction
    WHERE reverses_id IS NULL AND created_at >= %(begins)s AND created_at < %(ends)s
    UNION ALL
    SELECT id, kind FROM chain WHERE link IS NULL
    ORDER BY id
)
SELECT kind, currency,
       coalesce(sum(-amount) FILTER (WHERE amount < 0), 0),
       coalesce(sum(-amount) FILTER (WHERE amount > 0), 0)
FROM made JOIN rewards_entry AS entry ON entry.transaction_id = made.id
WHERE entry.house = 'issued'
  AND entry.transaction_id BETWEEN %(first)s::uuid AND %(last)s::uuid
GROUP BY kind, currency
"""

_EARNED = """
WITH RECURSIVE chain AS (
    SELECT id FROM rewards_transaction
    WHERE user_id = ANY(%(user_ids)s) AND kind = ANY(%(kinds)s)
      AND created_at >= %(begins)s AND created_at < %(ends)s
    UNION ALL
    SELECT later.id FROM rewards_transaction AS later JOIN chain ON later.reverses_id = chain.id
)
SELECT entry.user_id, entry.currency, sum(entry.amount)
FROM rewards_entry AS entry JOIN chain ON chain.id = entry.transaction_id
WHERE entry.user_id = ANY(%(user_ids)s)
GROUP BY entry.user_id, entry.currency
"""
