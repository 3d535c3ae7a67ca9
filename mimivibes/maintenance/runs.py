"""One run of a command at a time, on any number of machines, each on the record.

The lock is PostgreSQL's own, held by a transaction of a second connection: it is gone with the
process that held it, however that ended, and works behind PgBouncer in transaction mode. The idle
transaction holds no snapshot, so it keeps no dead rows alive.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from zlib import crc32

from django.db import DatabaseError, Error, connection
from django.utils import timezone

from mimivibes.models import CommandRun
from mimivibes.processes import this_process

# The first of the two keys of our advisory locks; the second is the command's.
LOCK_SPACE = 7_210


class AlreadyRunning(Exception):
    """Another run of this command has not ended."""


class LockLost(Exception):
    """The connection that held the lock is gone, so another run may have begun."""


class Turn:
    """The right to run, as long as `check` does not raise."""

    def __init__(self, command: str) -> None:
        # A copy of the connection, for the first one's transactions come and go.
        self._holder: Any = connection.copy()
        self._holder.set_autocommit(False)
        with self._holder.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(%s, %s), pg_backend_pid()",
                [LOCK_SPACE, _key(command)],
            )
            self.is_ours, self._backend = cursor.fetchone()

    def check(self) -> None:
        """Raise `LockLost` if the lock may be somebody else's by now."""
        try:
            with self._holder.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                is_same = cursor.fetchone() == (self._backend,)
        except DatabaseError as error:
            raise LockLost(LockLost.__doc__) from error
        if not is_same:  # it was closed, and opened anew without the lock
            raise LockLost(LockLost.__doc__)

    def end(self) -> None:
        """Give the lock back; by a mere close, the server would do so when it comes to it."""
        with suppress(Error):  # the connection is lost, and the lock with it
            self._holder.rollback()
        self._holder.close()


@contextmanager
def recorded_run(command: str, *, is_dry: bool, now: datetime) -> Iterator[tuple[CommandRun, Turn]]:
    """Hold the command's turn and keep a record of the run.

    Whoever finds the record of a run that was killed closes it. Raises `AlreadyRunning`, which says
    who runs since when.
    """
    turn = Turn(command)
    try:
        if not turn.is_ours:
            raise AlreadyRunning(_who_runs(command))
        unfinished = CommandRun.objects.filter(command=command, finished_at__isnull=True)
        unfinished.update(finished_at=now, outcome=CommandRun.Outcome.KILLED)
        run = CommandRun.objects.create(
            command=command, is_dry=is_dry, runner=this_process(), started_at=now
        )
        try:
            yield run, turn
        except BaseException as error:
            _finish(run, CommandRun.Outcome.FAILED, {**run.report, "error": type(error).__name__})
            raise
        else:
            _finish(run, run.outcome or CommandRun.Outcome.DONE, run.report)
    finally:
        turn.end()


def _finish(run: CommandRun, outcome: str, report: dict[str, Any]) -> None:
    CommandRun.objects.filter(pk=run.pk, finished_at__isnull=True).update(
        finished_at=timezone.now(), outcome=outcome, report=report
    )


def _who_runs(command: str) -> str:
    run = CommandRun.objects.filter(command=command, finished_at__isnull=True).first()
    if run is None:
        return f"{command} is just beginning or ending elsewhere. Try again."
    return f"{command} runs already: {run.runner}, since {run.started_at:%Y-%m-%d %H:%M:%S %Z}."


def _key(command: str) -> int:
    return crc32(command.encode()) - 2**31
