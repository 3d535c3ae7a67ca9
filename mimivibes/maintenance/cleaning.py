"""Remove what has had its time, in small batches of short locks."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from mimivibes.maintenance.jobs import Job

SECONDS_OF_A_BATCH = 0.015
"""What a batch is meant to take, and so its locks: short, with room for a busy machine."""
FIRST_BATCH = 500
LEAST_BATCH = 100
"""With fewer rows it is the way to the database and back that takes the time."""


class Batch(Protocol):
    """Clean up to `limit` rows beyond `after`: how many, and where to go on (None at the end)."""

    def __call__(self, *, now: datetime, after: Any, limit: int) -> tuple[int, Any]: ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to clean: its name, in which table, what exactly, how much, and a batch of it."""

    name: str
    model: type[Model]
    what: str
    count: Callable[..., int]
    batch: Batch


def rows_chore(
    name: str,
    model: type[Model],
    rows: Callable[[datetime], QuerySet[Any]],
    *,
    by: str,
    what: str,
    change: Mapping[str, Any] | None = None,
) -> Chore:
    """Return the chore of deleting `rows` of `model`, which nothing refers to, or of a `change`.

    They are worked in the order of the column `by`. An index must lead to them in this order and to
    hardly anything else: what a batch looks through takes its time, and its locks last as long.
    """

    def count(*, now: datetime) -> int:
        return rows(now).count()

    def batch(*, now: datetime, after: Any, limit: int) -> tuple[int, Any]:
        further = rows(now) if after is None else rows(now).filter(_beyond(by, *after))
        locked = further.select_for_update(skip_locked=True).order_by(by, "pk")
        found = list(locked.values_list(by, "pk")[:limit])
        if not found:
            return 0, None
        done = _work(model, [key for _, key in found], change)
        return done, found[-1] if len(found) == limit else None

    return Chore(name, model, what, count, batch)


def _beyond(by: str, value: Any, key: Any) -> Q:
    # The first condition is the one that an index can begin at.
    return Q((f"{by}__gte", value)) & (Q((f"{by}__gt", value)) | Q(pk__gt=key))


def _work(model: type[Model], keys: list[Any], change: Mapping[str, Any] | None) -> int:
    found: QuerySet[Any] = model._base_manager.filter(pk__in=keys)
    return found._raw_delete(found.db) if change is None else found.update(**change)


def survey(chores: Sequence[Chore], *, now: datetime) -> dict[str, int]:
    """Return how many rows each chore would clean at `now`."""
    return {chore.name: chore.count(now=now) for chore in chores}


def clean(chores: Sequence[Chore], *, job: Job) -> None:
    """Do the chores, each batch in a transaction of its own, and keep the figures in the report.

    What is killed loses the batch that it was in, and nothing else. Raises `LockLost`.
    """
    with _no_look_at_old_objects():
        for chore in chores:
            if not _clean(chore, job):
                return


@contextmanager
def _no_look_at_old_objects() -> Iterator[None]:
    """Keep Python's garbage collector off all that Django has loaded.

    It would take 70 ms in the midst of a batch, whose locks would last as long.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _clean(chore: Chore, job: Job) -> bool:
    """Do one chore; return whether it came to its end."""
    job.run.report[chore.name] = 0
    job.progress(chore.name, 0, total=chore.count(now=job.now) if job.is_watched else None)
    pace, after = Pace(job.limits.batch_size), None
    while job.may_go_on():
        began = time.perf_counter()
        with transaction.atomic():
            _do_not_wait_for_the_disk()
            done, after = chore.batch(now=job.now, after=after, limit=pace.rows)
        pace.adapt(time.perf_counter() - began)
        job.run.report[chore.name] += done
        job.progress(chore.name, done)
        if after is None:
            return True
    return False


def _do_not_wait_for_the_disk() -> None:
    """Let this transaction commit at once: what a crash of the server undoes is cleaned again."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


class Pace:
    """How many rows a batch takes: as many as are done in a short time, at most `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows = min(FIRST_BATCH, most)

    def adapt(self, seconds: float) -> None:
        """Take fewer rows from now on, or more, after a batch that took so long."""
        in_time = int(self.rows * SECONDS_OF_A_BATCH / seconds)
        self.rows = min(max(LEAST_BATCH, min(in_time, 2 * self.rows)), self.most)
