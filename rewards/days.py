"""Days in the time zone of the settings, and the figures that are kept of those that are over.

What happened on a day that is over does not change, so it is counted once and kept in a table of
closed days. What is kept for a day is found by its two midnights: after a change of the time zone
the days are others, and are counted anew.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from rewards.models import ClosedDay

SETTLES_IN = timedelta(hours=1)
"""How long after its end a day is closed: what was slow to commit is in by then."""

logger = logging.getLogger(__name__)
Row = TypeVar("Row", bound=ClosedDay)
Figures = TypeVar("Figures")


class Day(NamedTuple):
    begins_at: datetime
    ends_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Say whether all that happened on it is known at `now`."""
        return self.ends_at + SETTLES_IN <= now


def midnights_until(now: datetime, *, days: int) -> list[datetime]:
    """Return the beginning of each of the last `days`, today the last, and the end of today."""
    zone = timezone.get_default_timezone()
    today = timezone.localtime(now, zone).date()
    first = today - timedelta(days=days - 1)
    dates = (first + timedelta(days=number) for number in range(days + 1))
    return [datetime.combine(date, time.min, tzinfo=zone) for date in dates]


def days_between(midnights: Sequence[datetime]) -> list[Day]:
    return [Day(*ends) for ends in pairwise(midnights)]


def days_over(midnights: Sequence[datetime], now: datetime) -> list[Day]:
    """Return those days between `midnights` that can be closed at `now`."""
    return [day for day in days_between(midnights) if day.is_over(now)]


def bounds_of(days: Iterable[Day]) -> list[datetime]:
    """Return every instant at which one of `days` begins or ends, for `width_bucket`."""
    return sorted({instant for day in days for instant in day})


@dataclass(frozen=True)
class ClosedDays(Generic[Row, Figures]):
    """The figures of closed days: their table, how they are counted, how they are written there."""

    rows: QuerySet[Row]
    count: Callable[[Sequence[Day]], Mapping[Day, Figures]]
    """Return the figures of all the days that it is given, from what happened."""
    write: Callable[[Mapping[Day, Figures]], Iterable[Row]]
    read: Callable[[Iterable[Row]], Figures]
    """Return the figures of one day from its rows."""

    def of(self, days: Sequence[Day]) -> dict[Day, Figures]:
        """Return the figures of `days`, all of them over; count and keep what is not kept yet.

        Whether it can be kept (not on a replica that is only read) makes no difference to what is
        returned: the next who asks counts again.
        """
        kept = self._kept(days)
        counted = self._counted(days, kept)
        try:
            self._keep(counted)
        except DatabaseError:
            logger.warning("The figures of %d days could not be kept.", len(counted), exc_info=True)
        return kept | counted

    @transaction.atomic
    def close(self, days: Sequence[Day], *, again: bool = False) -> int:
        """Count and keep those of `days`, all of them over, that are not; return how many.

        With `again`, what is kept of them is forgotten first.
        """
        if again:
            self._within(days).delete()
        counted = self._counted(days, self._kept(days))
        self._keep(counted)
        return len(counted)

    def _kept(self, days: Sequence[Day]) -> dict[Day, Figures]:
        found: dict[Day, list[Row]] = {day: [] for day in days}
        for row in self._within(days):
            found.get(Day(row.begins_at, row.ends_at), []).append(row)
        return {day: self.read(rows) for day, rows in found.items() if rows}

    def _within(self, days: Sequence[Day]) -> QuerySet[Row]:
        if not days:
            return self.rows.none()
        return self.rows.filter(begins_at__gte=days[0].begins_at, ends_at__lte=days[-1].ends_at)

    def _counted(self, days: Sequence[Day], kept: Mapping[Day, Any]) -> dict[Day, Figures]:
        missing = [day for day in days if day not in kept]
        return dict(self.count(missing)) if missing else {}

    def _keep(self, counted: Mapping[Day, Figures]) -> None:
        if not counted:
            return
        # In the order of the days, so that two who keep the same at once wait for each other one
        # way round; the second then keeps nothing.
        with transaction.atomic():
            self.rows.bulk_create(self.write(counted), ignore_conflicts=True)
