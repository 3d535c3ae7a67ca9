"""How things stand: what waits, since when, and when what must run regularly ran last.

Each is read from an index of its own, and costs the same on a large database as on a small one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import connection
from prometheus_client.core import GaugeMetricFamily

from accounts.services import inbox_figures
from mimivibes.models import ScheduledJob
from mimivibes.schedule.jobs import active_jobs
from mimivibes.schedule.leases import schedule_lag
from outbox.services.sending import outbox_figures
from referrals.services.funnel import held_queue
from referrals.services.releases import releasable
from rewards import services as rewards

MOST_DUE = 1_000
"""More are not counted: something is wrong long before."""


def figures(*, now: datetime) -> Iterator[GaugeMetricFamily]:
    """Return every gauge that is read from the database."""
    yield from _inbox(now)
    yield from _waiting(now)
    yield from _proof()
    yield from _commands()
    yield from _schedule(now)
    yield from _outbox(now)
    yield from _connections()


def _gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mimivibes_{name}", description, value=value)


def _gauges(
    name: str, description: str, *, label: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"mimivibes_{name}", description, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0) if since else 0


def _inbox(now: datetime) -> Iterator[GaugeMetricFamily]:
    inbox = inbox_figures()
    yield _gauge("webhooks_failed", "Deliveries whose work failed.", inbox.failed)
    yield _gauge(
        "webhook_oldest_failed_seconds",
        "Age of the oldest of them.",
        _age(inbox.oldest_failed_at, now),
    )
    yield _gauge("webhooks_unfinished", "Deliveries whose work is not done.", inbox.unfinished)
    yield _gauge(
        "webhook_oldest_unfinished_seconds",
        "Age of the oldest of them.",
        _age(inbox.oldest_at, now),
    )
    yield _gauge(
        "webhook_last_received_timestamp_seconds",
        "When Clerk delivered last; 0 if never.",
        inbox.newest_at.timestamp() if inbox.newest_at else 0,
    )


def _waiting(now: datetime) -> Iterator[GaugeMetricFamily]:
    held, grants = held_queue(), rewards.grants_waiting()
    yield _gauge("attributions_held", "Attributions that wait for a decision.", held.waiting)
    yield _gauge(
        "attribution_oldest_held_seconds", "Age of the oldest of them.", _age(held.oldest_at, now)
    )
    yield _gauge("grants_waiting", "Grants that wait for a second person.", grants.waiting)
    yield _gauge(
        "grant_oldest_waiting_seconds", "Age of the oldest of them.", _age(grants.oldest_at, now)
    )
    due = list(releasable(now).order_by("release_at").values_list("release_at")[:MOST_DUE])
    yield _gauge(
        "rewards_due",
        "Referrers' rewards whose hold is over, not paid yet; 1000 at most.",
        len(due),
    )
    yield _gauge(
        "reward_longest_due_seconds",
        "How long the hold of one of them has been over.",
        _age(due[0][0] if due else None, now),
    )


def _proof() -> Iterator[GaugeMetricFamily]:
    proof = rewards.last_proof()
    yield _gauge(
        "ledger_proof_timestamp_seconds",
        "When the ledger was proved last; 0 if never.",
        proof.started_at.timestamp() if proof else 0,
    )
    yield _gauge(
        "ledger_proof_faults",
        "Faults that the last proof found.",
        proof.fault_count if proof else 0,
    )
    yield _gauge(
        "ledger_proof_seconds", "How long the last proof took.", proof.seconds if proof else 0
    )


# The names of commands are few among many runs: each is found by one step in the index.
_RUNS = """
WITH RECURSIVE known AS (
    (SELECT command FROM mimivibes_commandrun ORDER BY command LIMIT 1)
    UNION ALL
    SELECT (SELECT command FROM mimivibes_commandrun AS run WHERE run.command > known.command
            ORDER BY command LIMIT 1)
    FROM known WHERE known.command IS NOT NULL
)
SELECT command,
       (SELECT extract(epoch FROM finished_at) FROM mimivibes_commandrun AS run
        WHERE run.command = known.command AND NOT is_dry AND outcome IN ('done', 'stopped')
        ORDER BY started_at DESC LIMIT 1),
       (SELECT outcome IN ('failed', 'killed') FROM mimivibes_commandrun AS run
        WHERE run.command = known.command AND NOT is_dry AND outcome <> ''
        ORDER BY started_at DESC LIMIT 1)
FROM known WHERE command IS NOT NULL
"""


def _commands() -> Iterator[GaugeMetricFamily]:
    with connection.cursor() as cursor:
        cursor.execute(_RUNS)
        runs = cursor.fetchall()
    yield _gauges(
        "command_last_success_timestamp_seconds",
        "When a recorded command ended well last, dry runs left out; 0 if never.",
        label="command",
        values={command: float(succeeded_at or 0) for command, succeeded_at, _ in runs},
    )
    yield _gauges(
        "command_failed",
        "1 if the last run of a recorded command failed or was killed.",
        label="command",
        values={command: bool(has_failed) for command, _, has_failed in runs},
    )


def _schedule(now: datetime) -> Iterator[GaugeMetricFamily]:
    jobs = [job.command for job in active_jobs()]
    late = schedule_lag(now)
    endings = dict(ScheduledJob.objects.values_list("name", "last_outcome"))
    yield _gauges(
        "schedule_lag_seconds",
        "How long a job of the schedule has been due and has not ended.",
        label="job",
        values={job: late[job].total_seconds() if job in late else 0 for job in jobs},
    )
    yield _gauges(
        "schedule_failed",
        "1 if the last run of a job of the schedule failed or was killed.",
        label="job",
        values={job: endings.get(job) in _BADLY for job in jobs},
    )


_BADLY = {ScheduledJob.Outcome.FAILED, ScheduledJob.Outcome.KILLED}


def _outbox(now: datetime) -> Iterator[GaugeMetricFamily]:
    outbox = outbox_figures()
    yield _gauge("outbox_waiting", "Messages for the web app that are not sent.", outbox.waiting)
    yield _gauge(
        "outbox_oldest_waiting_seconds", "Age of the oldest of them.", _age(outbox.oldest_at, now)
    )
    yield _gauge("outbox_given_up", "Messages that were given up.", outbox.given_up)


_CONNECTIONS = """
SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1
"""
STATES = ("active", "idle", "idle in transaction")


def _connections() -> Iterator[GaugeMetricFamily]:
    with connection.cursor() as cursor:
        cursor.execute(_CONNECTIONS)
        found = dict.fromkeys(STATES, 0) | dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('max_connections')::int")
        (most,) = cursor.fetchone()
    yield _gauges(
        "database_connections",
        "Connections to our database, whoever has them, by what they do.",
        label="state",
        values=found,
    )
    yield _gauge("database_connections_max", "Connections that the server allows in all.", most)
