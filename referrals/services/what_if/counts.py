"""Attributions as they stand at a moment of a replay, counted for the caps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Of two requests that wait for one lock, the one that began later may be served first.
A_MOMENT = timedelta(minutes=1)


@dataclass(slots=True)
class Span:
    """An attribution in the replay: whose, from when, until when if it ended."""

    referrer_id: int
    claimed_at: datetime
    ended_at: datetime | None

    def is_live(self, at: datetime) -> bool:
        return self.is_made(at) and (self.ended_at is None or self.ended_at > at)

    def is_over(self, at: datetime) -> bool:
        return self.ended_at is not None and self.ended_at <= at

    def is_made(self, at: datetime) -> bool:
        return self.claimed_at < at + A_MOMENT


@dataclass(slots=True)
class ReferrerCount:
    """A referrer's live attributions: the lasting ones, and those that may change."""

    lasting: int = 0
    recent: list[Span] = field(default_factory=list)
    ending: list[Span] = field(default_factory=list)

    def add(self, span: Span) -> None:
        self.recent.append(span)

    def settle(self, at: datetime) -> None:
        """Fold into the number what is a day old and lasts, drop what has ended."""
        aged = [span for span in self.recent if span.claimed_at <= at - DAY]
        if aged:
            self.recent = [span for span in self.recent if span.claimed_at > at - DAY]
            self.lasting += sum(span.ended_at is None for span in aged)
            self.ending += (span for span in aged if span.ended_at is not None)
        self.ending = [span for span in self.ending if not span.is_over(at)]

    def in_hour(self, at: datetime) -> int:
        return sum(span.claimed_at > at - HOUR and span.is_made(at) for span in self.recent)

    def in_day(self, at: datetime) -> int:
        return sum(span.is_live(at) for span in self.recent)

    def in_all(self, at: datetime) -> int:
        return self.lasting + len(self.ending) + self.in_day(at)
