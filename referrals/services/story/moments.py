"""What a story is made of: moments, each with who was behind it and the rows that prove it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Model

from accounts.models import User
from referrals.models import Attribution
from rewards.amounts import Amounts


class Tone(StrEnum):
    """What a moment did to the attribution, so that pages can let it stand out."""

    QUIET = "quiet"
    PLAIN = "plain"
    GOOD = "good"
    WAITS = "waits"
    STOPS = "stops"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody behind a moment, in words; `row` is the person's own, where it is known."""

    text: str
    row: User | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of a claim: what it asks, its verdict (`pass`, `fail`, …) and the reason."""

    rule: str
    asks: str
    verdict: str
    found: str
    reason: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: when, what, by whom, and the rows that say so.

    `links` are label and row; the first is the record of the moment itself.
    """

    at: datetime
    text: str
    by: Who
    links: tuple[tuple[str, Model], ...] = ()
    details: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    tone: Tone = Tone.PLAIN

    @property
    def open_checks(self) -> tuple[Check, ...]:
        """The rules that did not pass."""
        return tuple(check for check in self.checks if check.verdict != "pass")

    @property
    def passed_checks(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.verdict == "pass")


@dataclass(frozen=True, slots=True)
class Story:
    """How somebody was invited: in a sentence, and moment by moment, the oldest first.

    `left_out` says what there is more of than is told; `paid` is what referee and referrer have
    from the attribution, net of what was taken back. Staff may have moved it here from `replaced`,
    or away to `successor`.
    """

    summary: str
    attribution: Attribution | None
    moments: list[Moment] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    paid: tuple[Amounts, Amounts] = (Amounts(), Amounts())
    replaced: Attribution | None = None
    successor: Attribution | None = None
