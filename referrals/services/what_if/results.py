"""What claims come to, one by one and counted: what comes out of a replay."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from accounts.models import User
from referrals.models import Outcome, ProgramTerms
from referrals.services.what_if.past import PastClaim
from rewards.amounts import Amounts


class Fate(StrEnum):
    """What became of a claim."""

    ATTRIBUTED = "attributed"
    HELD = "held"
    REJECTED = "rejected"
    REFUSED = "refused"
    NOTHING = "nothing"
    STANDING = "standing"


@dataclass(slots=True)
class Result:
    """A claim's fate, and how far the attribution came that it made, if it made one."""

    fate: Fate
    refusal: str = ""
    referrer_id: int | None = None
    was_held: bool = False
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    qualified_at: datetime | None = None
    rewarded_at: datetime | None = None
    terms: ProgramTerms | None = None

    @property
    def seen(self) -> tuple[str, str, int | None, bool, bool]:
        """What staff would call the outcome: two that differ in this differ."""
        is_qualified, is_rewarded = self.qualified_at is not None, self.rewarded_at is not None
        return (self.fate, self.refusal, self.referrer_id, is_qualified, is_rewarded)


@dataclass(slots=True)
class Tally:
    """Counts over claims."""

    claims: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    held_at_first: int = 0
    reversed: int = 0
    qualified: int = 0
    rewarded: int = 0
    paid_referees: Counter[Amounts] = field(default_factory=Counter)
    paid_referrers: Counter[Amounts] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.claims += 1
        self.fates[result.fate] += 1
        if result.fate == Fate.REFUSED:
            self.refusals[result.refusal] += 1
        self.held_at_first += result.was_held
        self.reversed += result.accepted_at is not None and result.ended_at is not None
        self.qualified += result.qualified_at is not None
        self.rewarded += result.rewarded_at is not None
        if result.terms is not None and result.accepted_at is not None:
            self.paid_referees[result.terms.referee_amounts] += 1
        if result.terms is not None and result.rewarded_at is not None:
            self.paid_referrers[result.terms.referrer_amounts] += 1

    @property
    def to_referees(self) -> Amounts:
        return _sum(self.paid_referees)

    @property
    def to_referrers(self) -> Amounts:
        return _sum(self.paid_referrers)


def _sum(paid: Counter[Amounts]) -> Amounts:
    names = Amounts().as_dict()
    return Amounts(**{c: sum(getattr(a, c) * n for a, n in paid.items()) for c in names})


@dataclass(frozen=True, slots=True)
class Change:
    """A claim that would have come to something else."""

    at: datetime
    referee: User
    was: Result
    would_be: Result


def as_it_was(claim: PastClaim) -> Result:
    """Return what a claim came to."""
    past = claim.attribution
    if past is None:
        return Result(Fate.REFUSED, claim.refusal)
    return Result(
        fate_of(past.accepted_at, past.ended_at),
        referrer_id=past.referrer_id,
        was_held=claim.outcome == Outcome.HELD,
        accepted_at=past.accepted_at,
        ended_at=past.ended_at,
        qualified_at=past.qualified_at,
        rewarded_at=past.rewarded_at,
        terms=claim.terms,
    )


def fate_of(accepted_at: datetime | None, ended_at: datetime | None) -> Fate:
    if accepted_at is not None:
        return Fate.ATTRIBUTED
    return Fate.HELD if ended_at is None else Fate.REJECTED
