"""A job's run as a process of its own.

A child that leaks, hangs in a connection or dies takes nothing else with it, can be ended from
outside, and is what cron would start too. The price is a start of Python for each run.
"""

import json
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from tempfile import TemporaryFile
from threading import Thread
from typing import Any

from accounts.management.reporting import STOPPED_EARLY
from mimivibes.models import ScheduledJob

Outcome = ScheduledJob.Outcome
MOST_LINES = 50
MOST_OF_A_REPORT = 2_000
MOST_OF_AN_ERROR = 500
SECONDS_TO_END = 5


class Child:
    """A process whose standard error comes out on ours, and whose report is read at its end."""

    def __init__(self, command_line: Sequence[str]) -> None:
        self._began = time.monotonic()
        self._out = TemporaryFile()  # noqa: SIM115  (closed at the end of the run)
        self._last_lines: deque[str] = deque(maxlen=MOST_LINES)
        self._is_killed = self._is_asked_to_end = False
        # A session of its own: Ctrl-C at a terminal reaches us alone, and we decide.
        self._process = subprocess.Popen(  # noqa: S603  (the schedule's own words)
            command_line,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._pass_on, daemon=True)
        self._reader.start()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs, negative if a signal ended it."""
        return self._process.poll()

    @property
    def outcome(self) -> str:
        """How it ended, as the schedule keeps it."""
        if self._is_killed:
            return Outcome.KILLED
        named = {0: Outcome.DONE, STOPPED_EARLY: Outcome.STOPPED}
        if self._is_asked_to_end:  # perhaps before it had begun to listen for that
            named[-signal.SIGTERM] = Outcome.DONE
        return named.get(self.status or 0, Outcome.FAILED)

    def kill_if_longer_than(self, longest: timedelta) -> None:
        if self.seconds > longest.total_seconds():
            self._is_killed = True
            self._process.kill()

    def ask_to_end(self) -> None:
        self._is_asked_to_end = True
        self._process.terminate()

    def end(self) -> None:
        """Have it end now: ask, then insist. Every job can be broken off and run again."""
        self.ask_to_end()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @cached_property
    def result(self) -> tuple[Any, str]:
        """Return, at its end, what it reported (JSON where it is) and what went wrong, or ""."""
        self._reader.join(timeout=1)
        self._out.seek(0)
        text = self._out.read().decode(errors="replace").strip()
        self._out.close()
        is_well = self.outcome in {Outcome.DONE, Outcome.STOPPED}
        return _read(text), "" if is_well else self._error(text)

    def _pass_on(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  (it is a pipe)
        for line in self._process.stderr:
            self._last_lines.append(line.rstrip())
            sys.stderr.write(line)
            sys.stderr.flush()

    def _error(self, report: str) -> str:
        how = f"Exit status {self.status}."
        if self._is_killed:
            how = "Killed, for it took too long."
        return f"{how} {_error_told(self._last_lines) or report}".strip()[:MOST_OF_AN_ERROR]


def _read(text: str) -> Any:
    try:
        return json.loads(text) if len(text) <= MOST_OF_A_REPORT else f"{len(text)} characters"
    except ValueError:
        return text


def _error_told(lines: Sequence[str]) -> str:
    """Return what a command says of its error; of any other error its name alone.

    The rest of it stays in the log: PostgreSQL's messages quote the values of a row.
    """
    words = [line for line in lines if line and not line[0].isspace()]
    for line in reversed(words):
        name, _, message = line.partition(":")
        if name == "CommandError":
            return message.strip()
        if message and name.replace(".", "").isidentifier() and name[-1:] != " ":
            return name
    return ""
