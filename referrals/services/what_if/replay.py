"""Replay claims under other terms: what was known then goes in, counts come out.

Pure: nothing here reads or writes the database. The rules are those of `referrals.rules`. What the
terms do not touch stays as it was recorded; what they touch is asked again, of the people and
counts as they stand in the replay.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from referrals.models import ClosedReason, Outcome, Program, ProgramTerms, ReferralCode
from referrals.rules import (
    RULES,
    Evaluation,
    Facts,
    Judgement,
    Verdict,
    account_age,
    has_no_attribution,
    judge,
    judge_late,
    referrer_is_within_caps,
    was_not_rejected_before,
)
from referrals.services.captures import chosen_capture
from referrals.services.what_if.counts import ReferrerCount, Span
from referrals.services.what_if.past import PastAttribution, PastCapture, PastClaim, TermsThen
from referrals.services.what_if.results import Change, Fate, Result, Tally, as_it_was, fate_of

MOST_EXAMPLES = 10
AGE = "account_is_new"
ADDRESS = "address_is_not_hurried"
# These depend on terms, or on what became of other claims in the replay.
ASKED_AGAIN = (has_no_attribution, was_not_rejected_before, referrer_is_within_caps)
ASKED_AGAIN_NAMES = {rule.__name__ for rule in ASKED_AGAIN} | {AGE}
PLACE = {rule.__name__: place for place, rule in enumerate(RULES)}


@dataclass(slots=True)
class Choice:
    """The code that a claim comes to, and whether it is the one that was recorded."""

    code: ReferralCode
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A capture as it stood at the moment of a claim, as `chosen_capture` takes it."""

    pk: int
    code: "_CodeThen"
    first_opened_at: datetime
    opened_at: datetime
    touch: str
    row: PastCapture


@dataclass(frozen=True, slots=True)
class _CodeThen:
    program_id: int
    usable: bool

    def is_usable(self) -> bool:
        return self.usable


class Replay:
    """Goes through claims in the order in which they were decided, and counts both columns."""

    def __init__(
        self,
        *,
        terms: ProgramTerms,
        program: Program,
        in_force: TermsThen,
        chooses_again: bool,
        now: datetime,
        referrer_per_hour: int,
    ) -> None:
        self.terms = terms
        self.program = program
        self.in_force = in_force
        self.chooses_again = chooses_again
        self.now = now
        self.referrer_per_hour = referrer_per_hour
        self.was, self.would_be = Tally(), Tally()
        self.changed = 0
        self.examples: list[Change] = []
        self.referrers: dict[int, ReferrerCount] = defaultdict(ReferrerCount)
        self.received: dict[int, list[Span]] = defaultdict(list)

    def take(self, claim: PastClaim) -> None:
        """Replay one claim."""
        was = as_it_was(claim)
        would_be, program_id = self._under_these_terms(claim)
        if not self._is_of_program(claim, program_id):
            return
        self.was.add(was)
        self.would_be.add(would_be)
        if was.seen != would_be.seen:
            self.changed += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append(Change(claim.at, claim.referee, was, would_be))

    def _is_of_program(self, claim: PastClaim, chosen_program: int | None) -> bool:
        recorded = claim.terms.program_id if claim.terms else None
        if recorded is None and chosen_program is None:
            return self.program.is_default  # a code that nobody knows is of no program
        return self.program.pk in {recorded, chosen_program}

    def _under_these_terms(self, claim: PastClaim) -> tuple[Result, int | None]:
        if not claim.was_judged and claim.refusal == "code_not_found":
            return as_it_was(claim), None
        choice = self._choice(claim)
        standing = self._standing(claim)
        if standing and (
            claim.capture_id or not choice or standing.referrer_id == choice.code.owner_id
        ):
            return Result(Fate.STANDING, referrer_id=standing.referrer_id), None
        if choice is None:
            return Result(Fate.NOTHING), None
        if not claim.was_judged:
            return as_it_was(claim), None
        return self._judged(claim, choice), choice.code.program_id

    def _judged(self, claim: PastClaim, choice: Choice) -> Result:
        terms = self._terms_of(choice, claim)
        if terms is None:
            return Result(Fate.REFUSED, "program_inactive")
        judgement = self._judgement(claim, choice, terms)
        if judgement.refusal:
            return Result(Fate.REFUSED, judgement.refusal)
        result = _came_to(claim, choice, terms, judgement)
        span = Span(choice.code.owner_id, claim.at, result.ended_at)
        self.referrers[span.referrer_id].add(span)
        self.received[claim.referee.pk].append(span)
        if terms is self.terms:
            self._qualify(result, claim, _past(claim, choice))
        return result

    def _terms_of(self, choice: Choice, claim: PastClaim) -> ProgramTerms | None:
        program_id = choice.code.program_id
        if program_id == self.program.pk:
            return self.terms
        return claim.terms if choice.is_recorded else self.in_force(program_id, claim.at)

    def _standing(self, claim: PastClaim) -> Span | None:
        spans = self.received.get(claim.referee.pk, ())
        return next((span for span in spans if span.is_live(claim.at)), None)

    def _judgement(self, claim: PastClaim, choice: Choice, terms: ProgramTerms) -> Judgement:
        facts = self._facts(claim, choice, terms)
        if choice.is_recorded:
            asked = [rule(facts) for rule in ASKED_AGAIN]
            kept = [e for e in claim.stopped if e.rule not in ASKED_AGAIN_NAMES]
        else:
            asked = [e for e in judge(facts).evaluations if e.rule not in {AGE, ADDRESS}]
            kept = [e for e in claim.stopped if e.rule == ADDRESS]
        age = _age(claim.stopped, claim.referee, claim.at, terms)
        return Judgement(sorted([*asked, *kept, age], key=lambda e: PLACE[e.rule]))

    def _facts(self, claim: PastClaim, choice: Choice, terms: ProgramTerms) -> Facts:
        counts = self.referrers[choice.code.owner_id]
        counts.settle(claim.at)
        spans = self.received.get(claim.referee.pk, [])
        return Facts(
            now=claim.at,
            referee=claim.referee,
            code=choice.code,
            terms=terms,
            is_attributed=any(span.is_live(claim.at) for span in spans),
            was_rejected=any(span.is_over(claim.at) for span in spans),
            closes_a_cycle=choice.code.owner_id in claim.invited_by_referee,
            claims_of_referrer_in_hour=counts.in_hour(claim.at),
            claims_of_referrer_in_day=counts.in_day(claim.at),
            claims_of_referrer_in_all=counts.in_all(claim.at),
            claims_from_address_in_hour=0,  # its rule's verdict is kept as recorded
            share_a_device=choice.code.owner_id in claim.near,
            referrer_per_hour=self.referrer_per_hour,
            address_per_hour=0,
        )

    def _choice(self, claim: PastClaim) -> Choice | None:
        """Choose again among what the person held, unless a code was named with the claim."""
        if claim.capture_id is None or not self.chooses_again:
            return _recorded_choice(claim)
        held = self._held(claim)
        chosen = chosen_capture(held) or max(held, key=lambda c: c.opened_at, default=None)
        if chosen is None:
            return None
        if chosen.row.code.code == claim.code:
            return _recorded_choice(claim)
        return Choice(chosen.row.code, is_recorded=False)

    def _held(self, claim: PastClaim) -> list[_Candidate]:
        consumed = [span.claimed_at for span in self.received.get(claim.referee.pk, ())]
        candidates = (self._candidate(capture, claim) for capture in claim.captures)
        return [c for c in candidates if c and not any(c.row.theirs_since <= at for at in consumed)]

    def _candidate(self, capture: PastCapture, claim: PastClaim) -> _Candidate | None:
        """Return a capture as it stood then, if it was held and had not expired."""
        opened_at = _opened_then(capture, claim)
        if opened_at is None or _was_closed(capture, claim.at):
            return None
        program_id = capture.code.program_id
        terms = self.terms if program_id == self.program.pk else None
        expires_at = capture.expires_at
        if terms is not None:
            expires_at = opened_at + timedelta(days=terms.capture_days)
        if expires_at <= claim.at:
            return None
        then = terms or self.in_force(program_id, claim.at)
        return _Candidate(
            pk=capture.pk,
            code=_CodeThen(program_id, _was_usable(capture, claim)),
            first_opened_at=min(capture.first_opened_at, opened_at),
            opened_at=opened_at,
            touch=then.touch if then else "",
            row=capture,
        )

    def _qualify(self, result: Result, claim: PastClaim, past: PastAttribution | None) -> None:
        if result.accepted_at is None:
            return
        old = claim.terms
        stands = past is not None and past.accepted_at == result.accepted_at
        if stands and past and old and _same(old, self.terms, "event_type", "event_count"):
            result.qualified_at = past.qualified_at
            if old.hold_days == self.terms.hold_days:
                result.rewarded_at = past.rewarded_at
                return
        else:
            result.qualified_at = _qualified(result, claim)
        if result.qualified_at is not None:
            release_at = result.qualified_at + self.terms.hold
            result.rewarded_at = self._rewarded(result, claim, release_at)

    def _rewarded(self, result: Result, claim: PastClaim, release_at: datetime) -> datetime | None:
        owners = [claim.referrer, *(capture.code.owner for capture in claim.captures)]
        referrer = next(o for o in owners if o is not None and o.pk == result.referrer_id)
        ends = [at for at in (result.ended_at, _gone_at(referrer)) if at is not None]
        if release_at > self.now or any(at <= release_at for at in ends):
            return None
        return release_at


def _recorded_choice(claim: PastClaim) -> Choice | None:
    if claim.referrer is None:
        return None
    code = ReferralCode(code=claim.code, owner=claim.referrer)
    if claim.terms is not None:
        code.program_id = claim.terms.program_id
    return Choice(code, is_recorded=True)


def _past(claim: PastClaim, choice: Choice) -> PastAttribution | None:
    """Return what became of this very attribution, if it was made."""
    past = claim.attribution
    return past if past and past.referrer_id == choice.code.owner_id else None


def _came_to(claim: PastClaim, choice: Choice, terms: ProgramTerms, judgement: Judgement) -> Result:
    """Return what an attribution comes to that the rules do not refuse."""
    past = _past(claim, choice)
    if judgement.outcome == Outcome.ACCEPTED:
        accepted_at: datetime | None = claim.at
        ended_at = past.ended_at if past else None
    else:
        accepted_at, ended_at = _after_hold(claim, choice, terms, judgement, past)
    return Result(
        fate_of(accepted_at, ended_at),
        referrer_id=choice.code.owner_id,
        was_held=judgement.outcome == Outcome.HELD,
        accepted_at=accepted_at,
        ended_at=ended_at,
        terms=terms,
    )


def _after_hold(
    claim: PastClaim,
    choice: Choice,
    terms: ProgramTerms,
    judgement: Judgement,
    past: PastAttribution | None,
) -> tuple[datetime | None, datetime | None]:
    """Return when what is held was accepted and when it ended, as far as it did."""
    if past is None:
        if not judgement.awaits_age:
            return None, None
        late = judge_late(
            referee=claim.referee, referrer=choice.code.owner, claimed_at=claim.at, terms=terms
        )
        return _resolved(late, claim.at, awaits_review=judgement.awaits_review)
    if past.late is None:
        return past.accepted_at, past.ended_at
    age = _age(past.late.stopped, claim.referee, claim.at, terms)
    late = Judgement([age, *(e for e in past.late.stopped if e.rule != AGE)])
    failed_before = any(e.verdict == Verdict.FAIL for e in past.late.stopped)
    if past.late.outcome == Outcome.REFUSED and not failed_before:  # for the referrer was gone
        return None, past.late.at
    accepted_at, ended_at = _resolved(late, past.late.at, awaits_review=judgement.awaits_review)
    if ended_at or past.late.outcome == Outcome.REFUSED:
        return accepted_at, ended_at
    return past.accepted_at, past.ended_at  # by staff, if it was held further


def _resolved(
    late: Judgement, at: datetime, *, awaits_review: bool
) -> tuple[datetime | None, datetime | None]:
    if late.refusal:
        return None, at
    held = late.awaits_age or late.awaits_review or awaits_review
    return (None, None) if held else (at, None)


def _age(
    stopped: Sequence[Evaluation], referee: User, claimed_at: datetime, terms: ProgramTerms
) -> Evaluation:
    """Ask for the account's age again, unless it was not known, or is not known any more."""
    recorded = next((e for e in stopped if e.rule == AGE), None)
    if recorded and recorded.verdict == Verdict.UNKNOWN:
        return recorded
    if referee.account_created_at is None:  # erased since
        return recorded or Evaluation(AGE, Verdict.PASS, "")
    return account_age(created_at=referee.account_created_at, claimed_at=claimed_at, terms=terms)


def _opened_then(capture: PastCapture, claim: PastClaim) -> datetime | None:
    """Return when a capture had been opened last, as far as its row still tells."""
    known = [at for at in (capture.opened_at, capture.first_opened_at) if at <= claim.at]
    if capture.pk == claim.capture_id:  # held, however often it was opened again since
        return known[0] if known else claim.at
    return known[0] if known and capture.theirs_since <= claim.at else None


def _was_closed(capture: PastCapture, at: datetime) -> bool:
    # What a claim consumed is consumed in the replay only if that claim succeeds there.
    by_claim = capture.closed_reason == ClosedReason.CLAIMED
    return capture.closed_at is not None and capture.closed_at <= at and not by_claim


def _was_usable(capture: PastCapture, claim: PastClaim) -> bool:
    if capture.pk == claim.capture_id:
        return all(e.rule != "code_is_in_use" for e in claim.stopped)
    gone_at = _gone_at(capture.code.owner)
    return capture.code.is_active and (gone_at is None or gone_at > claim.at)


def _gone_at(user: User) -> datetime | None:
    return min((at for at in (user.deleted_at, user.banned_at) if at), default=None)


def _qualified(result: Result, claim: PastClaim) -> datetime | None:
    event_at = claim.qualifying_event_at
    ends = [at for at in (result.ended_at, _gone_at(claim.referee)) if at is not None]
    if event_at is None or result.accepted_at is None or any(at <= event_at for at in ends):
        return None
    return max(event_at, result.accepted_at)


def _same(old: ProgramTerms, new: ProgramTerms, *names: str) -> bool:
    return all(
        getattr(old, f"qualifying_{name}") == getattr(new, f"qualifying_{name}") for name in names
    )
