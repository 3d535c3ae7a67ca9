"""The runner: children that end, fail, hang or are broken off, and a database that goes away."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection

from mimivibes.models import ScheduledJob
from mimivibes.schedule import leases
from mimivibes.schedule.jobs import MINUTE, Job
from mimivibes.schedule.leases import Claim
from mimivibes.schedule.runner import Runner
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0
WORK = {
    "well": "print('{\"done\": 3}')",
    "badly": "import sys; sys.exit('CommandError: Nobody is there.')",
    "oddly": "raise ValueError('Key (email)=(ploy@example.com) is taken')",
    "early": "import sys; sys.exit(75)",
    "lingers": "import sys, time, signal; signal.signal(15, lambda *_: sys.exit(0));"
    " print('x', file=sys.stderr, flush=True); time.sleep(60)",
    "long": "import time; time.sleep(60)",
    "stubborn": "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True);"
    " time.sleep(60)",
}


def job(work: str) -> Job:
    return Job(work, "for a test", MINUTE, lingers=work == "lingers")


def child(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-S", "-c", WORK[words[0]]]


def runner_of(*works: str, grace: float = 0, **options: Any) -> tuple[Runner, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    runner = Runner(
        [job(work) for work in works],
        log=told.append,
        grace=timedelta(seconds=grace),
        command_line=child,
        pause=0.02,
        **options,
    )
    return runner, told


class InTheBackground:
    """A runner in a thread of its own, stopped at the end."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.runner.run()
        finally:
            connection.close()

    def __enter__(self) -> Runner:
        self._thread.start()
        return self.runner

    def __exit__(self, *error: object) -> None:
        self.runner.stop.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


def row(work: str) -> ScheduledJob:
    return ScheduledJob.objects.get(name=work)


def events(told: list[dict[str, Any]], work: str) -> list[str]:
    return [line["event"] for line in told if line.get("job") == work]


def test_once_runs_what_is_due_and_ends() -> None:
    runner, told = runner_of("well")

    runner.run_once()

    assert row("well").last_outcome == "done"
    assert told[-1]["report"] == {"done": 3}
    assert not runner.failed


def test_a_job_that_fails_stops_no_other() -> None:
    runner, _ = runner_of("badly", "well", "oddly", "early")

    runner.run_once()

    outcomes = dict(ScheduledJob.objects.values_list("name", "last_outcome"))
    assert outcomes == {"badly": "failed", "well": "done", "oddly": "failed", "early": "stopped"}
    assert sorted(runner.failed) == ["badly", "oddly"]


def test_what_a_command_says_of_its_error_is_kept_and_what_quotes_a_row_is_not() -> None:
    runner, _ = runner_of("badly", "oddly")

    runner.run_once()

    assert row("badly").last_error == "Exit status 1. Nobody is there."
    assert row("oddly").last_error == "Exit status 1. ValueError"


def test_one_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "longest", timedelta(seconds=0.1))
    runner, _ = runner_of("long")

    runner.run_once()

    assert row("long").last_outcome == "killed"
    assert runner.failed == ["long"]


def test_at_the_end_a_job_is_given_time_to_end_by_itself() -> None:
    runner, told = runner_of("well", grace=SECONDS)
    with InTheBackground(runner):
        until(lambda: events(told, "well"))

    assert events(told, "well") == ["started", "ended"]
    assert row("well").last_outcome == "done"


@pytest.mark.parametrize("work", ["long", "stubborn"])
def test_what_does_not_end_in_time_is_broken_off_and_due_for_others(
    work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mimivibes.schedule.children.SECONDS_TO_END", 0.2)
    runner, told = runner_of(work)
    with InTheBackground(runner):
        until(lambda: events(told, work))

    assert events(told, work) == ["started", "broken off"]
    now = leases.database_now()
    (claim,) = leases.claim_due([job(work)], holder="Ploy's machine", now=now)
    assert claim.taken_from == ""


@pytest.mark.parametrize("listens", [True, False])
def test_what_lingers_is_told_to_end_at_once(
    listens: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not listens:  # not yet
        deaf = "import sys, time; print('x', file=sys.stderr, flush=True); time.sleep(60)"
        monkeypatch.setitem(WORK, "lingers", deaf)
    runner, told = runner_of("lingers", grace=SECONDS)
    with InTheBackground(runner):
        until(lambda: capfd.readouterr().err == "x\n")

    assert events(told, "lingers") == ["started", "ended"]
    assert (row("lingers").last_outcome, row("lingers").last_error) == ("done", "")


def test_a_lost_lease_ends_the_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.4))
    runner, told = runner_of("long")
    with InTheBackground(runner):
        until(lambda: events(told, "long"))
        ScheduledJob.objects.update(lease=None, leased_until=None, leased_by="", due_at=later())
        until(lambda: "lease lost" in events(told, "long"))


def later() -> Any:
    return leases.database_now() + timedelta(days=1)


def test_a_lease_is_renewed_as_long_as_the_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.4))
    runner, told = runner_of("long")
    with InTheBackground(runner):
        until(lambda: events(told, "long"))
        first = row("long").leased_until
        assert first
        until(lambda: (row("long").leased_until or first) > first + timedelta(seconds=0.5))
        assert leases.claim_due([job("long")], holder="x", now=leases.database_now()) == []


def test_the_loop_survives_a_lost_database(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [OperationalError("gone")] * 2
    ask = leases.database_now

    def away() -> Any:
        if faults:
            raise faults.pop()
        return ask()

    monkeypatch.setattr(leases, "database_now", away)
    runner, told = runner_of("well")
    with InTheBackground(runner):
        until(lambda: "ended" in events(told, "well"))

    assert [line["event"] for line in told][:2] == ["no database", "no database"]
    assert row("well").last_outcome == "done"


def test_the_loop_survives_a_connection_that_is_cut() -> None:
    runner, told = runner_of("well")
    with InTheBackground(runner):
        until(lambda: "ended" in events(told, "well"))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ScheduledJob.objects.update(due_at=leases.database_now())
        until(lambda: events(told, "well").count("ended") == 2)


def test_what_ended_while_the_database_was_away_is_written_down_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = [OperationalError("gone")]
    finish = leases.finish

    def away(claim: Claim, **how: Any) -> bool:
        if faults:
            raise faults.pop()
        return finish(claim, **how)

    monkeypatch.setattr(leases, "finish", away)
    runner, told = runner_of("well")
    with InTheBackground(runner):
        until(lambda: "ended" in events(told, "well"))

    assert row("well").last_outcome == "done"
    assert told[-1]["report"] == {"done": 3}


def test_of_two_runners_one_runs_a_job() -> None:
    (one, told_one), (other, told_other) = runner_of("long", "well"), runner_of("long", "well")
    with InTheBackground(one), InTheBackground(other):
        until(lambda: "ended" in events([*told_one, *told_other], "well"))
        ScheduledJob.objects.filter(name="well").update(due_at=leases.database_now())
        until(lambda: events([*told_one, *told_other], "well").count("ended") == 2)
        told = [*told_one, *told_other]

    assert events(told, "long") == ["started"]
    assert events(told, "well").count("started") == 2


def test_a_job_whose_row_was_taken_away_meanwhile_runs_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By `--forget`, or by a runner of an earlier release that does not know the job."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.4))
    runner, told = runner_of("well")
    with InTheBackground(runner):
        until(lambda: "ended" in events(told, "well"))
        leases.forget_all()
        until(lambda: events(told, "well").count("ended") == 2)


def test_a_process_that_cannot_be_started_stops_no_other_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.4))
    faults = [BlockingIOError("no more processes")]

    def scarce(words: Sequence[str]) -> list[str]:
        if words[0] == "badly" and faults:
            raise faults.pop()
        return child(words)

    runner, told = runner_of("badly", "well")
    runner._command_line = scarce
    with InTheBackground(runner):
        until(lambda: "ended" in events(told, "well") and "ended" in events(told, "badly"))

    assert events(told, "badly") == ["not started", "started", "ended"]
