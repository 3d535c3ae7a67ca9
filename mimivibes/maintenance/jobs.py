"""What a run works with: its record, its turn, its limits, and whom it tells how far it is."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mimivibes.maintenance.runs import Turn
from mimivibes.models import CommandRun


class Progress(Protocol):
    """Told what is being done, how many more of it are, and of how many if that is known."""

    def __call__(
        self, name: str, done: int, *, total: int | None = None, unit: str = "rows"
    ) -> None: ...


def nobody(name: str, done: int, *, total: int | None = None, unit: str = "rows") -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and until when by `time.monotonic`."""

    batch_size: int
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


@dataclass(frozen=True, slots=True)
class Job:
    """One run that changes something."""

    run: CommandRun
    turn: Turn
    limits: Limits
    now: datetime
    progress: Progress

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks on, for whom the rows are worth counting beforehand."""
        return self.progress is not nobody

    def may_go_on(self) -> bool:
        """Return whether another batch may begin; if time is over, say so on the record.

        Raises `LockLost` if another run may have begun.
        """
        if self.limits.is_over:
            self.run.outcome = CommandRun.Outcome.STOPPED
            return False
        self.turn.check()
        return True
