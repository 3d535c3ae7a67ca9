"""Who runs which job: a lease in the database, taken by one conditional UPDATE.

A job stays due until its run has ended. Whoever finds it due, and leased to nobody or to somebody
who has not renewed the lease in time, takes it: after a crash another machine does at once what was
broken off. All times are the database's own, so machines need not agree on theirs. Each verb is one
statement, or a short transaction, and works behind PgBouncer in transaction mode.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Exists, Q

from mimivibes.models import ScheduledJob
from mimivibes.schedule.jobs import SCHEDULE, Job, active_jobs

LEASE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours to run since `started_at`, as long as the lease is renewed."""

    job: Job
    lease: UUID
    started_at: datetime
    taken_from: str = ""
    """Who had begun it and was not heard of again."""


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def enrol(jobs: Sequence[Job], *, now: datetime) -> None:
    """Give each job that is new a row, due at its time; forget those that the schedule lost."""
    ScheduledJob.objects.exclude(name__in=[job.command for job in (*SCHEDULE, *jobs)]).delete()
    enrol_missing(jobs, now=now)


def enrol_missing(jobs: Sequence[Job], *, now: datetime) -> None:
    """Give each job that has no row one, due at its time.

    A row may go while runners run: `--forget` takes all, and a runner of an earlier release, which
    begins anew while we are rolled out, those that it does not know.
    """
    ScheduledJob.objects.bulk_create(
        [
            ScheduledJob(
                name=job.command,
                due_at=job.next_after(now, started_at=now) if job.is_daily else now,
            )
            for job in jobs
        ],
        ignore_conflicts=True,
    )


def claim_due(jobs: Sequence[Job], *, holder: str, now: datetime) -> list[Claim]:
    """Take what is due of `jobs` and nobody runs.

    What runs at a time of day goes one after the other, on whatever machines, in the order of the
    schedule: it waits until nothing before it is due or running.
    """
    free = ScheduledJob.objects.filter(due_at__lte=now).filter(
        Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    )
    due = {row.name: row.leased_by for row in free}
    claims = []
    for place, job in enumerate(jobs):
        if job.command not in due:
            continue
        lease, earlier = uuid4(), ScheduledJob.objects.filter(due_at__lte=now)
        before = [other.command for other in jobs[:place] if other.is_daily and job.is_daily]
        taken = (
            free.filter(name=job.command)
            .exclude(Exists(earlier.filter(name__in=before)))
            .update(lease=lease, leased_until=now + LEASE, leased_by=holder, last_started_at=now)
        )
        if taken:
            claims.append(Claim(job, lease, started_at=now, taken_from=due[job.command]))
    return claims


def renew(claims: Iterable[Claim], *, now: datetime) -> set[UUID]:
    """Keep these leases a while longer; return those that are still ours."""
    rows = ScheduledJob.objects.filter(lease__in=[claim.lease for claim in claims])
    rows.update(leased_until=now + LEASE)
    return {lease for lease in rows.values_list("lease", flat=True) if lease}


def finish(claim: Claim, *, outcome: str, error: str, now: datetime) -> bool:
    """Write down how the run ended, and when the next is due; False if it is ours no more."""
    row = ScheduledJob.objects.filter(lease=claim.lease)
    ended = row.update(
        lease=None,
        leased_until=None,
        leased_by="",
        last_finished_at=now,
        last_outcome=outcome,
        last_error=error,
        due_at=claim.job.next_after(now, started_at=claim.started_at),
    )
    return bool(ended)


def give_back(claim: Claim) -> None:
    """Leave a run that was broken off to whoever looks next; it stays due."""
    ScheduledJob.objects.filter(lease=claim.lease).update(
        lease=None, leased_until=None, leased_by=""
    )


def run_now(jobs: Iterable[ScheduledJob], *, now: datetime) -> int:
    """Make these jobs due now, unless they are already; return how many are due by it."""
    names = [job.name for job in jobs]
    return ScheduledJob.objects.filter(name__in=names, due_at__gt=now).update(due_at=now)


def forget_all() -> int:
    """Forget every job, for whoever goes back to cron; a runner that still runs enrols anew."""
    return ScheduledJob.objects.all().delete()[0]


def schedule_lag(now: datetime) -> dict[str, timedelta]:
    """Return by job how long it has been due and has not ended; empty if no runner ever ran."""
    due = ScheduledJob.objects.filter(
        name__in=[job.command for job in active_jobs()], due_at__lte=now
    )
    return {job.name: now - job.due_at for job in due}
