"""Read what the house has given in a time, what of it was taken back, and what it may give next."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Min

from rewards.amounts import Amounts
from rewards.days import ClosedDays, Day, bounds_of, days_between, days_over
from rewards.models import GrantRequest, IssuedDay


@dataclass(frozen=True, slots=True)
class Issued:
    """What transactions of one kind issued; what reversals took back of that kind is negative."""

    kind: str
    given: Amounts
    taken_back: Amounts

    def __add__(self, other: "Issued") -> "Issued":
        """Add what was issued of the same kind at another time."""
        return Issued(self.kind, self.given + other.given, self.taken_back + other.taken_back)

    @property
    def net(self) -> Amounts:
        return self.given + self.taken_back


def issued_by_kind(*, midnights: Sequence[datetime], now: datetime) -> list[Issued]:
    """Return what was issued between the first and the last of `midnights`, by kind.

    Days that are over at `now` are read from what is kept of them, or counted and kept. A reversal
    counts on the day that it was made, for the kind of what it reverses; the reversal of a reversal
    gives again.
    """
    over = days_over(midnights, now)
    by_day = ISSUED_DAYS.of(over) | _count(days_between(midnights[len(over) :]))
    issued: dict[str, Issued] = {}
    for of_kind in (of_kind for of_day in by_day.values() for of_kind in of_day):
        so_far = issued.get(of_kind.kind)
        issued[of_kind.kind] = so_far + of_kind if so_far else of_kind
    return [issued[kind] for kind in sorted(issued)]


def close_issued_days(*, midnights: Sequence[datetime], now: datetime, again: bool = False) -> int:
    """Keep what was issued on the days that are over and not kept, or on all; return how many."""
    return ISSUED_DAYS.close(days_over(midnights, now), again=again)


def _count(days: Sequence[Day]) -> dict[Day, list[Issued]]:
    """Read from the ledger what was issued on each of `days`; two queries."""
    if not days:
        return {}
    bounds = bounds_of(days)
    period: dict[str, Any] = {"begins": bounds[0], "ends": bounds[-1]}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_AND_LAST, period)
        ((first, last),) = cursor.fetchall()
        cursor.execute(_ISSUED, {**period, "bounds": bounds, "first": first, "last": last})
        rows = cursor.fetchall()
    found: dict[datetime, dict[str, Issued]] = {day.begins_at: {} for day in days}
    for number, kind, currency, given, taken_back in rows:
        of_day = found.get(bounds[number - 1], {})
        line = Issued(
            kind, Amounts(**{currency: int(given)}), Amounts(**{currency: int(taken_back)})
        )
        of_day[kind] = of_day[kind] + line if kind in of_day else line
    return {day: [*found[day.begins_at].values()] for day in days}


def _write(counted: Mapping[Day, list[Issued]]) -> list[IssuedDay]:
    return [
        IssuedDay(
            begins_at=day.begins_at,
            ends_at=day.ends_at,
            kinds={
                of_kind.kind: {
                    "given": of_kind.given.as_dict(),
                    "taken_back": of_kind.taken_back.as_dict(),
                }
                for of_kind in by_kind
            },
        )
        for day, by_kind in counted.items()
    ]


def _read(rows: Iterable[IssuedDay]) -> list[Issued]:
    return [
        Issued(kind, Amounts(**amounts["given"]), Amounts(**amounts["taken_back"]))
        for row in rows
        for kind, amounts in row.kinds.items()
    ]


ISSUED_DAYS = ClosedDays(IssuedDay.objects.all(), count=_count, write=_write, read=_read)


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
    SELECT id, created_at, reverses_id AS link, kind FROM rewards_transaction
    WHERE reverses_id IS NOT NULL AND created_at >= %(begins)s AND created_at < %(ends)s
    UNION ALL
    SELECT chain.id, chain.created_at, earlier.reverses_id, earlier.kind
    FROM chain CROSS JOIN LATERAL (
        SELECT reverses_id, kind FROM rewards_transaction WHERE id = chain.link OFFSET 0
    ) AS earlier
), made AS (
    SELECT id, created_at, kind FROM rewards_transaction
    WHERE reverses_id IS NULL AND created_at >= %(begins)s AND created_at < %(ends)s
    UNION ALL
    SELECT id, created_at, kind FROM chain WHERE link IS NULL
    ORDER BY id
)
SELECT width_bucket(created_at, %(bounds)s) AS day, kind, currency,
       coalesce(sum(-amount) FILTER (WHERE amount < 0), 0),
       coalesce(sum(-amount) FILTER (WHERE amount > 0), 0)
FROM made JOIN rewards_entry AS entry ON entry.transaction_id = made.id
WHERE entry.house = 'issued'
  AND entry.transaction_id BETWEEN %(first)s::uuid AND %(last)s::uuid
GROUP BY day, kind, currency
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
