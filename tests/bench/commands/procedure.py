"""How a command is tried: killed in the middle beside a second one, then taken up by a third."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import connection

from tests.commands import kill, started


class WentWrong(Exception):
    """A command did what it must not do."""


@dataclass(frozen=True, slots=True)
class Work:
    """A command that works through what is due, any number of it at once.

    `left` counts what is due. `is_right` says, when nothing is left, if all was done and once.
    `take_over` lets the time pass for which what the killed one had taken is its own.
    """

    arguments: Sequence[str]
    left: Callable[[], int]
    is_right: Callable[[], bool]
    take_over: Callable[[], object] = lambda: None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the table; of what `done` counts, `what` says."""

    command: str
    done: int
    what: str
    seconds: float
    how: str


def shared(work: Work, *, what: str) -> Told:
    """Let two go to work, kill the first half-way, let the second do the rest, and a third look.

    Raises `WentWrong` if one fails, if anything is left, lost, or done twice.
    """
    start = partial(started, *work.arguments, "--json", **work.env)
    due, began = work.left(), time.monotonic()
    first, second = start(), start()
    _wait(lambda: work.left() <= due / 2, first)
    kill(first)
    at_the_kill = due - work.left()
    _end(second)
    beside = due - work.left() - at_the_kill
    work.take_over()
    _end(start())
    seconds = time.monotonic() - began
    if work.left() or not work.is_right():
        raise WentWrong(f"{work.arguments[0]}: {work.left()} left, or not all of it once")
    rest = due - at_the_kill - beside
    how = f"killed at {at_the_kill:,}; the one beside it did {beside:,}, the next {rest:,}"
    return Told(work.arguments[0], due, what, seconds, how)


def in_turn(*arguments: str, state: Callable[[], object], done: int, what: str) -> Told:
    """Kill a command that is one transaction while it writes; a second one is refused meanwhile.

    Raises `WentWrong` unless `state` is then as before, and another once the next has run.
    """
    before = state()
    first = started(*arguments, "--json")
    _wait(_somebody_writes, first)
    first.send_signal(signal.SIGSTOP)  # it shall not end before the second has asked
    second = started(*arguments, "--json")
    refusal = second.communicate()[1].strip()
    kill(first)
    if second.returncode != 1 or state() != before:
        raise WentWrong(f"{arguments[0]}: {second.returncode} {refusal}, or something changed")
    told = whole(*arguments, done=done, what=what)
    if state() == before:
        raise WentWrong(f"{arguments[0]}: nothing changed")
    how = "killed while it wrote: nothing had changed; a second one was refused; then the next"
    return Told(told.command, done, what, told.seconds, how)


def repeated(*arguments: str, state: Callable[[], object], done: int, what: str) -> Told:
    """Run a command that comes to the same whenever it runs; then kill it, beside a second one.

    Raises `WentWrong` unless `state` is the same after that as it was after the first run.
    """
    told = whole(*arguments, done=done, what=what)
    expected = state()
    first, second = (started(*arguments, "--json") for _ in range(2))
    _wait(_somebody_writes, first)
    kill(first)
    _end(second)
    if state() != expected:
        raise WentWrong(f"{arguments[0]}: another result")
    how = "alone; then killed while it wrote, beside a second one: the same result"
    return Told(told.command, done, what, told.seconds, how)


def whole(*arguments: str, done: int, what: str) -> Told:
    """Run a command from beginning to end, which changes nothing or may be run by one alone."""
    began = time.monotonic()
    _end(started(*arguments, "--json"))
    return Told(" ".join(arguments[:1]), done, what, time.monotonic() - began, "")


def _wait(is_so: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    while not is_so():
        if process.poll() is not None:
            raise WentWrong(f"It ended too early: {process.communicate()}")
        time.sleep(0.05)


def _end(process: "subprocess.Popen[str]") -> None:
    out, errors = process.communicate()
    if process.returncode:
        raise WentWrong(f"{process.args}: {process.returncode} {out[-1000:]} {errors[-1000:]}")


def _somebody_writes() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_xid IS NOT NULL AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])
