"""Who runs which job, on any number of machines."""

from datetime import UTC, datetime, time, timedelta
from functools import partial

import pytest

from mimivibes.models import ScheduledJob
from mimivibes.schedule.jobs import MINUTE, Job
from mimivibes.schedule.leases import (
    LEASE,
    Claim,
    claim_due,
    database_now,
    enrol,
    finish,
    forget_all,
    give_back,
    renew,
    run_now,
    schedule_lag,
)
from tests.parallel import at_once

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OFTEN = Job("process_webhooks", "often", MINUTE)
FIRST = Job("verify_ledger", "first of the night", time(3, 10))
SECOND = Job("close_days", "second of the night", time(3, 20))
JOBS = (OFTEN, FIRST, SECOND)


@pytest.fixture(autouse=True)
def _enrolled() -> None:
    enrol(JOBS, now=NOON)


def claimed(now: datetime, *, holder: str = "Nok's machine") -> list[Claim]:
    return claim_due(JOBS, holder=holder, now=now)


def names(claims: list[Claim]) -> list[str]:
    return [claim.job.command for claim in claims]


def done(claim: Claim, now: datetime) -> bool:
    return finish(claim, outcome="done", error="", now=now)


def row(job: Job) -> ScheduledJob:
    return ScheduledJob.objects.get(name=job.command)


def test_what_runs_often_is_due_at_once_and_what_runs_at_night_at_its_time() -> None:
    assert {job.name: job.due_at for job in ScheduledJob.objects.all()} == {
        "process_webhooks": NOON,
        "verify_ledger": NOON + timedelta(hours=15, minutes=10),
        "close_days": NOON + timedelta(hours=15, minutes=20),
    }


def test_a_second_enrolment_changes_nothing_but_for_what_the_schedule_lost() -> None:
    ScheduledJob.objects.create(name="of_old", due_at=NOON)
    run_now([row(FIRST)], now=NOON)

    enrol(JOBS, now=NOON + timedelta(hours=1))

    assert row(FIRST).due_at == NOON
    assert not ScheduledJob.objects.filter(name="of_old").exists()


def test_a_job_is_claimed_once_until_it_has_ended_and_is_due_again() -> None:
    (claim,) = claimed(NOON)

    assert claimed(NOON) == []
    assert done(claim, NOON + timedelta(seconds=5))
    assert claimed(NOON + timedelta(seconds=59)) == []
    assert names(claimed(NOON + MINUTE)) == ["process_webhooks"]


def test_what_was_due_while_nobody_ran_is_run_once() -> None:
    later = NOON + timedelta(days=3)
    claims = [claim for claim in claimed(later) if claim.job is OFTEN]

    assert done(claims[0], later)

    assert OFTEN.command not in names(claimed(later + timedelta(seconds=59)))


def test_a_run_longer_than_its_interval_is_followed_by_one_run() -> None:
    (claim,) = claimed(NOON)
    end = NOON + 10 * MINUTE

    done(claim, end)

    (claim,) = claimed(end)
    done(claim, end + timedelta(seconds=1))
    assert claimed(end + timedelta(seconds=2)) == []


def test_a_lease_that_is_renewed_stays() -> None:
    (claim,) = claimed(NOON)

    assert renew([claim], now=NOON + LEASE / 2) == {claim.lease}
    assert claimed(NOON + LEASE) == []


def test_after_a_crash_another_takes_over_and_the_first_learns_of_it() -> None:
    (broken_off,) = claimed(NOON)

    (claim,) = claimed(NOON + LEASE, holder="Ploy's machine")

    assert claim.taken_from == "Nok's machine"
    assert renew([broken_off], now=NOON + LEASE) == set()
    assert not done(broken_off, NOON + LEASE)
    assert row(OFTEN).leased_by == "Ploy's machine"
    assert done(claim, NOON + LEASE)


def test_what_is_given_back_is_due_for_anybody() -> None:
    (claim,) = claimed(NOON)

    give_back(claim)

    assert names(claimed(NOON, holder="Ploy's machine")) == ["process_webhooks"]


def test_what_runs_at_night_goes_one_after_the_other_on_whatever_machines() -> None:
    late = NOON + timedelta(days=1)
    first = next(claim for claim in claimed(late) if claim.job is FIRST)

    assert SECOND.command not in names(claimed(late, holder="Ploy's machine"))
    finish(first, outcome="failed", error="Exit status 1.", now=late)
    assert names(claimed(late, holder="Ploy's machine")) == ["close_days"]


def test_how_it_ended_is_kept() -> None:
    (claim,) = claimed(NOON)

    finish(claim, outcome="failed", error="Exit status 1.", now=NOON + timedelta(seconds=3))

    kept = row(OFTEN)
    assert (kept.last_outcome, kept.last_error) == ("failed", "Exit status 1.")
    assert (kept.last_started_at, kept.last_finished_at) == (NOON, NOON + timedelta(seconds=3))
    assert (kept.lease, kept.leased_by) == (None, "")


def test_whatever_staff_want_now_is_due_unless_it_is_already() -> None:
    claimed(NOON)

    assert run_now(ScheduledJob.objects.all(), now=NOON) == 2
    assert names(claimed(NOON)) == ["verify_ledger"]


def test_the_lag_is_how_long_a_job_has_been_due() -> None:
    assert schedule_lag(NOON - MINUTE) == {}
    assert schedule_lag(NOON + 5 * MINUTE) == {"process_webhooks": 5 * MINUTE}

    forget_all()
    assert schedule_lag(NOON + timedelta(days=9)) == {}


@pytest.mark.django_db(transaction=True)
def test_machines_that_look_at_the_same_moment_share_the_jobs() -> None:
    enrol(JOBS, now=NOON)

    for minute in range(5):
        now = NOON + minute * MINUTE
        found = at_once(*[partial(claimed, now)] * 4)
        (claim,) = [claim for claims in found for claim in claims]
        done(claim, now)


def test_the_clock_is_the_databases() -> None:
    assert abs(database_now() - datetime.now(UTC)) < timedelta(seconds=5)
