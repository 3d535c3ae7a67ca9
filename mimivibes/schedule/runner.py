"""Run what is due, as long as nobody says stop.

The database may be away for a while: what runs goes on, how it ended is written down later, and
leases that ran out meanwhile are somebody else's.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from select import select
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from mimivibes.processes import manage, this_process
from mimivibes.schedule import leases
from mimivibes.schedule.children import Child, Outcome
from mimivibes.schedule.jobs import Job
from mimivibes.schedule.leases import Claim

Log = Callable[[dict[str, Any]], None]
# Also what a server that is primary no more answers, and one that is not migrated yet.
NO_DATABASE = (DatabaseError, InterfaceError)
FAILED = {Outcome.FAILED, Outcome.KILLED}
SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_BETWEEN_LOOKS_ONCE = 0.1
LONGEST_BACK_OFF = 30.0


class StopSignal:
    """Says stop, also from a signal's handler, where a `threading.Event` could wait for itself."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        os.write(self._writer, b".")

    def wait(self, seconds: float) -> bool:
        """Return True as soon as it is set, False after so many seconds."""
        return bool(select([self._reader], [], [], seconds)[0])


class Runner:
    """Starts each job that is due as a child, renews its lease, and writes down how it ended."""

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        log: Log,
        grace: timedelta,
        command_line: Callable[[Sequence[str]], list[str]] = manage,
        pause: float = SECONDS_BETWEEN_LOOKS,
    ) -> None:
        self.stop = StopSignal()
        self.failed: list[str] = []
        self._jobs = jobs
        self._log = log
        self._grace = grace
        self._command_line = command_line
        self._pause = pause
        self._holder = this_process()
        self._running: dict[Claim, Child] = {}
        self._renewed_at = 0.0
        self._is_enrolled = False
        self._enrolled_at = 0.0

    def run(self) -> None:
        """Run what is due until `stop` is set; then see what runs to its end, or end it."""
        pause = self._pause
        while not self.stop.wait(pause):
            pause = self._pause if self._turn() else min(pause * 2, LONGEST_BACK_OFF)
        self._wind_down()

    def run_once(self) -> None:
        """Run what is due, and what becomes due by it, and return when nothing is."""
        try:
            while self._look_and_start() or self._running:
                if self.stop.wait(SECONDS_BETWEEN_LOOKS_ONCE):
                    break
        finally:
            self._wind_down()

    def _turn(self) -> bool:
        """Look once; return False if the database could not be asked."""
        try:
            self._look_and_start()
        except NO_DATABASE as error:
            self._log({"event": "no database", "error": type(error).__name__})
            connection.close()
            return False
        return True

    def _look_and_start(self) -> int:
        """Write down what has ended, keep what runs, start what is due; return how many began."""
        now = self._look()
        started = leases.claim_due(self._jobs, holder=self._holder, now=now)
        for claim in started:
            self._start(claim)
        return len(started)

    def _look(self) -> datetime:
        close_old_connections()  # one that broke since the last look is opened anew
        now = leases.database_now()
        self._enrol(now)
        for claim, child in list(self._running.items()):
            child.kill_if_longer_than(claim.job.longest)
            if child.status is not None:
                self._finish(claim, child, now)
        self._renew(now)
        return now

    def _enrol(self, now: datetime) -> None:
        """See to it that each job has its row: at the start, and again from time to time."""
        since = time.monotonic() - self._enrolled_at
        if not self._is_enrolled:
            leases.enrol(self._jobs, now=now)
        elif since >= leases.LEASE.total_seconds():
            leases.enrol_missing(self._jobs, now=now)
        else:
            return
        self._is_enrolled, self._enrolled_at = True, time.monotonic()

    def _start(self, claim: Claim) -> None:
        try:
            self._running[claim] = Child(self._command_line(claim.job.words))
        except (
            OSError
        ) as error:  # no memory, no more processes: it is taken again when the lease ends
            told = {"job": claim.job.command, "error": type(error).__name__}
            self._log({"event": "not started", **told})
            return
        taken = {"taken_from": claim.taken_from} if claim.taken_from else {}
        self._log({"event": "started", "job": claim.job.command, **taken})

    def _finish(self, claim: Claim, child: Child, now: datetime) -> None:
        outcome, (report, error) = child.outcome, child.result
        is_ours = leases.finish(claim, outcome=outcome, error=error, now=now)
        del self._running[claim]
        if outcome in FAILED:
            self.failed.append(claim.job.command)
        facts = {"status": child.status, "seconds": round(child.seconds, 3), "report": report}
        told = {
            **facts,
            **({"error": error} if error else {}),
            **({} if is_ours else {"lost": True}),
        }
        self._log({"event": "ended", "job": claim.job.command, "outcome": str(outcome), **told})

    def _renew(self, now: datetime) -> None:
        is_early = time.monotonic() - self._renewed_at < leases.LEASE.total_seconds() / 4
        if not self._running or is_early:
            return
        ours = leases.renew(self._running, now=now)
        self._renewed_at = time.monotonic()
        for claim in [claim for claim in self._running if claim.lease not in ours]:
            self._end(claim, "lease lost")

    def _wind_down(self) -> None:
        """Let what runs end by itself for a while; end the rest, and leave it to others."""
        until = time.monotonic() + self._grace.total_seconds()
        if self._running:
            self._log({"event": "stopping", "jobs": [c.job.command for c in self._running]})
        for claim, child in self._running.items():
            if claim.job.lingers:
                child.ask_to_end()
        while self._running and time.monotonic() < until:
            self._ask(self._look)
            time.sleep(SECONDS_BETWEEN_LOOKS_ONCE)
        for claim in list(self._running):
            self._end(claim, "broken off")
            self._ask(partial(leases.give_back, claim))

    def _ask(self, question: Callable[[], object]) -> None:
        """Ask the database what can wait, or be left to a lease that runs out, if it is away."""
        try:
            question()
        except NO_DATABASE as error:
            self._log({"event": "no database", "error": type(error).__name__})
            connection.close()

    def _end(self, claim: Claim, why: str) -> None:
        child = self._running.pop(claim)
        child.end()
        self._log({"event": why, "job": claim.job.command})
