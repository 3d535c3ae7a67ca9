"""Remove what has had its time, in small batches of short locks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from mimivibes.maintenance.jobs import Job


class Batch(Protocol):
    """Clean up to `limit` rows beyond `after`: how many, and where to go on (None at the end)."""

    def __call__(self, *, now: datetime, after: Any, limit: int) -> tuple[int, Any]: ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to clean: what it is called, what is in store, and how a batch of it is done."""

    name: str
    count: Callable[..., int]
    batch: Batch


def survey(chores: Sequence[Chore], *, now: datetime) -> dict[str, int]:
    """Return how many rows each chore would clean at `now`."""
    return {chore.name: chore.count(now=now) for chore in chores}


def clean(chores: Sequence[Chore], *, job: Job) -> None:
    """Do the chores, each batch in a transaction of its own, and keep the figures in the report.

    What is killed loses the batch that it was in, and nothing else. Raises `LockLost`.
    """
    for chore in chores:
        job.run.report[chore.name] = 0
        after: Any = None
        while job.may_go_on():
            with transaction.atomic():
                done, after = chore.batch(now=job.now, after=after, limit=job.limits.batch_size)
            job.run.report[chore.name] += done
            job.progress(chore.name, done)
            if after is None:
                break
        else:
            return
