"""What is known of past claims: the facts that go into a replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from referrals.models import ProgramTerms, ReferralCode
from referrals.rules import Evaluation


@dataclass(frozen=True, slots=True)
class LateDecision:
    """What was decided of a held attribution once Clerk had told the account's age."""

    at: datetime
    outcome: str
    stopped: list[Evaluation]


@dataclass(frozen=True, slots=True)
class PastAttribution:
    """An attribution as it came to be."""

    referrer_id: int
    claimed_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    qualified_at: datetime | None
    rewarded_at: datetime | None
    late: LateDecision | None = None


@dataclass(frozen=True, slots=True)
class PastCapture:
    """An opened invitation of a person, as its row stands now."""

    pk: int
    code: ReferralCode
    first_opened_at: datetime
    opened_at: datetime
    expires_at: datetime
    theirs_since: datetime
    closed_at: datetime | None
    closed_reason: str


@dataclass(frozen=True, slots=True)
class PastClaim:
    """A claim as it was decided: `stopped` are the recorded evaluations that did not pass."""

    at: datetime
    referee: User
    referrer: User | None
    code: str
    capture_id: int | None
    terms: ProgramTerms | None
    outcome: str
    refusal: str
    was_judged: bool
    stopped: list[Evaluation]
    attribution: PastAttribution | None
    captures: Sequence[PastCapture] = ()
    qualifying_event_at: datetime | None = None
    """When the event came that qualifies by the new terms."""
    near: frozenset[int] = frozenset()
    """Those of the captures' owners who have used a device of the referee's."""
    invited_by_referee: frozenset[int] = frozenset()
    """Those of the captures' owners whom the referee invited, directly or through others."""


class TermsThen:
    """Every version of every program's terms, to be asked which one was in force."""

    def __init__(self, versions: Sequence[ProgramTerms]) -> None:
        self.by_id = {terms.pk: terms for terms in versions}
        self.newest_first = sorted(versions, key=lambda terms: -terms.version)

    def __call__(self, program_id: int, at: datetime) -> ProgramTerms | None:
        own = (terms for terms in self.newest_first if terms.program_id == program_id)
        return next((terms for terms in own if terms.effective_from <= at), None)
