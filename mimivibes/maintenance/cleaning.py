"""Remove what has had its time, in small batches of short locks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from mimivibes.maintenance.runs import Turn
from mimivibes.models import CommandRun


class Batch(Protocol):
    """Clean up to `limit` rows beyond `after`: how many, and where to go on (None at the end)."""

    def __call__(self, *, now: datetime, after: Any, limit: int) -> tuple[int, Any]: ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to clean: what it is called, what is in store, and how a batch of it is done."""

    name: str
    count: Callable[..., int]
    batch: Batch


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and until when by `time.monotonic`."""

    batch_size: int
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


Progress = Callable[[str, int], None]


def survey(chores: Sequence[Chore], *, now: datetime) -> dict[str, int]:
    """Return how many rows each chore would clean at `now`."""
    return {chore.name: chore.count(now=now) for chore in chores}


def clean(
    chores: Sequence[Chore],
    *,
    run: CommandRun,
    turn: Turn,
    limits: Limits,
    now: datetime,
    progress: Progress,
) -> None:
    """Do the chores, each batch in a transaction of its own, and keep the figures in `run.report`.

    What is killed loses the batch that it was in, and nothing else. Raises `LockLost`.
    """
    for chore in chores:
        run.report[chore.name] = 0
        after: Any = None
        while True:
            if limits.is_over:
                run.outcome = CommandRun.Outcome.STOPPED
                return
            turn.check()
            with transaction.atomic():
                done, after = chore.batch(now=now, after=after, limit=limits.batch_size)
            run.report[chore.name] += done
            progress(chore.name, done)
            if after is None:
                break
