"""Count what has been committed: captures, claims, rewards and the like, as Prometheus wants it.

The database holds the facts, so they are counted from it when somebody asks, whoever made them: a
request, a command, staff, on whichever machine. What was rolled back was never there. Every process
tells the same totals, so they are to be taken once (`max`), not added up.

Facts are never taken back: their rows only come, each with a higher position (an id, or a time)
than those before, but for rows that were slow to commit. So a `Tally` keeps the total up to a
position that was the highest an hour ago, by when all before it is in, and only what lies beyond is
counted anew: the work of a scrape is that of an hour or two of facts, however many there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.db import connection
from prometheus_client.core import CounterMetricFamily

from mimivibes.models import Tally
from referrals.models import Status
from referrals.services.claims import REFUSALS
from rewards.amounts import Currency

SETTLES_IN = timedelta(hours=1)
"""What takes longer than this from its place to its commit is not counted."""
MOST_AT_ONCE = 1_000_000
"""So many places are looked at in one scrape; what an import brings is counted bit by bit."""

Labels = tuple[str, ...]
Counts = dict[Labels, int]


@dataclass(frozen=True)
class Fact:
    """Something to count: its metric, the query, and labels that are told from the beginning."""

    name: str
    description: str
    labels: Labels
    table: str
    position: str
    """The column that rises with every row."""
    query: str
    """Select the labels and a count of rows; `{rows}` says which rows of the table."""
    known: tuple[Labels, ...] = ()
    type: str = "bigint"

    def count(self, *, after: str, until: str | None = None) -> Counts:
        """Count the rows beyond `after`, up to `until` or to the last."""
        rows = f"{self.table}.{self.position} > %(after)s::{self.type}"
        if until is not None:
            rows += f" AND {self.table}.{self.position} <= %(until)s::{self.type}"
        with connection.cursor() as cursor:
            cursor.execute(self.query.format(rows=rows), {"after": after, "until": until})
            return {tuple(labels): int(total) for *labels, total in cursor.fetchall()}

    def last_position(self) -> str:
        """Return the position of the last row, before the first of all if there is none."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT max({self.position})::text FROM {self.table}")
            return cursor.fetchone()[0] or self.beginning

    @property
    def beginning(self) -> str:
        return "0" if self.type == "bigint" else "-infinity"


OUTCOMES = (("accepted", ""), ("held", ""), ("by_hand", ""), *(("refused", r) for r in REFUSALS))
FACTS = (
    Fact(
        "mimivibes_people",
        "People (and staff) seen for the first time.",
        (),
        "accounts_user",
        "id",
        "SELECT count(*) FROM accounts_user WHERE {rows}",
        known=((),),
    ),
    Fact(
        "mimivibes_captures",
        "Codes opened, each once for each browser session or user.",
        ("scope",),
        "referrals_capture",
        "id",
        """
        SELECT CASE WHEN user_id IS NOT NULL AND adopted_at IS NULL
                    THEN 'user' ELSE 'browser_session' END, count(*)
        FROM referrals_capture WHERE {rows} GROUP BY 1
        """,
        known=(("browser_session",), ("user",)),
    ),
    Fact(
        "mimivibes_adoptions",
        "Captures of browser sessions that were handed to whoever signed in.",
        (),
        "referrals_capture",
        "adopted_at",
        "SELECT count(*) FROM referrals_capture WHERE {rows}",
        known=((),),
        type="timestamptz",
    ),
    # Of several decisions on an attribution the first is the claim's. (What belongs to a row is
    # looked up one by one, here and below: joined, PostgreSQL may read the whole of a large table.)
    Fact(
        "mimivibes_claims",
        "Claims judged, and attributions by hand.",
        ("outcome", "refusal"),
        "referrals_decision",
        "id",
        """
        SELECT CASE WHEN evaluations @> '[{{"rule": "staff_decide"}}]'
                    THEN 'by_hand' ELSE outcome END, refusal, count(*)
        FROM referrals_decision
        WHERE {rows} AND (attribution_id IS NULL OR at = (
            SELECT claimed_at FROM referrals_attribution WHERE id = attribution_id
        )) GROUP BY 1, 2
        """,
        known=OUTCOMES,
    ),
    Fact(
        "mimivibes_holds",
        "Decisions to hold a claim, by each rule that asked for it.",
        ("rule",),
        "referrals_decision",
        "id",
        """
        SELECT evaluation ->> 'rule', count(*)
        FROM (
            SELECT outcome, evaluations FROM referrals_decision WHERE {rows} OFFSET 0
        ) AS new CROSS JOIN jsonb_array_elements(evaluations) AS evaluation
        WHERE outcome = 'held' AND evaluation ->> 'verdict' IN ('review', 'unknown') GROUP BY 1
        """,
    ),
    Fact(
        "mimivibes_attributions",
        "Times that an attribution came to a status.",
        ("status",),
        "referrals_timelineentry",
        "id",
        "SELECT to_status, count(*) FROM referrals_timelineentry WHERE {rows} GROUP BY 1",
        known=tuple((str(status),) for status in Status.values),
    ),
    Fact(
        "mimivibes_events",
        "Events of services, each once.",
        (),
        "referrals_qualifyingevent",
        "id",
        "SELECT count(*) FROM referrals_qualifyingevent WHERE {rows}",
        known=((),),
    ),
    Fact(
        "mimivibes_ledger_amount",
        "Amounts put onto (in) or taken off (out) the accounts of users.",
        ("kind", "currency", "direction"),
        "rewards_entry",
        "id",
        """
        SELECT (SELECT kind FROM rewards_transaction WHERE id = transaction_id), currency,
               CASE WHEN amount > 0 THEN 'in' ELSE 'out' END, sum(abs(amount))
        FROM rewards_entry WHERE {rows} AND user_id IS NOT NULL GROUP BY 1, 2, 3
        """,
        known=tuple(
            product(("referral_referee", "referral_referrer"), map(str, Currency.values), ("in",))
        ),
    ),
)


def counted_facts(*, now: datetime) -> Iterator[CounterMetricFamily]:
    """Return the total of each fact since somebody asked for the first time."""
    tallies = {tally.fact: tally for tally in Tally.objects.all()}
    missing = [fact for fact in FACTS if fact.name not in tallies]
    if missing:
        _begin(missing, now)
        tallies = {tally.fact: tally for tally in Tally.objects.all()}
    for fact in FACTS:
        yield _told(fact, _total(fact, tallies[fact.name], now))


def _begin(facts: Iterable[Fact], now: datetime) -> None:
    """Count from here on; what is there already nobody has asked for."""
    tallies = []
    for fact in facts:
        last = fact.last_position()
        tallies.append(Tally(fact=fact.name, counted_to=last, seen_to=last, seen_at=now))
    Tally.objects.bulk_create(tallies, ignore_conflicts=True)


def _total(fact: Fact, tally: Tally, now: datetime) -> Counts:
    kept = {tuple(labels): int(total) for labels, total in tally.totals}
    open_ = fact.count(after=tally.counted_to, until=_farthest(fact, tally))
    if tally.seen_at + SETTLES_IN <= now:
        _settle(fact, tally, kept, now)
    return _sum(kept, open_)


def _farthest(fact: Fact, tally: Tally) -> str | None:
    return str(int(tally.counted_to) + MOST_AT_ONCE) if fact.type == "bigint" else None


def _settle(fact: Fact, tally: Tally, kept: Counts, now: datetime) -> None:
    """Add what lies up to the position that was the last when this was done before.

    If that is too far, the next scrape goes on. Of several who do it at once the first is believed:
    they find the same.
    """
    farthest = _farthest(fact, tally)
    is_too_far = farthest is not None and int(farthest) < int(tally.seen_to)
    until = farthest if is_too_far and farthest else tally.seen_to
    settled = fact.count(after=tally.counted_to, until=until)
    totals: list[Any] = [[list(labels), n] for labels, n in sorted(_sum(kept, settled).items())]
    seen = {} if is_too_far else {"seen_to": fact.last_position(), "seen_at": now}
    same = Tally.objects.filter(fact=fact.name, counted_to=tally.counted_to, seen_at=tally.seen_at)
    same.update(counted_to=until, totals=totals, **seen)


def _sum(first: Counts, second: Counts) -> Counts:
    return {labels: first.get(labels, 0) + second.get(labels, 0) for labels in first | second}


def _told(fact: Fact, counts: Counts) -> CounterMetricFamily:
    metric = CounterMetricFamily(fact.name, fact.description, labels=fact.labels)
    for labels, total in sorted((dict.fromkeys(fact.known, 0) | counts).items()):
        metric.add_metric(labels, total)
    return metric
