"""The rules that a claim is judged by: pure functions of facts, each with a reason for staff.

`judge` runs them all, so that a refusal shows what else was wrong. Their order is the order in
which refusals are told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from disposable_email_domains import blocklist
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.models import User
from referrals.models import Outcome, ProgramTerms, ReferralCode

# Providers that deliver all spellings of a mailbox with dots to the same one.
DOTLESS_DOMAINS = {"gmail.com", "googlemail.com"}


class Verdict(StrEnum):
    """What one rule finds."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    REVIEW = "review"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a claim at the moment of judging, read under locks."""

    now: datetime
    referee: User
    code: ReferralCode
    terms: ProgramTerms
    is_attributed: bool
    was_rejected: bool
    closes_a_cycle: bool
    claims_of_referrer_in_hour: int
    claims_of_referrer_in_day: int
    claims_of_referrer_in_all: int
    claims_from_address_in_hour: int
    share_a_device: bool
    referrer_per_hour: int
    address_per_hour: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One rule's verdict with its reason; a failed rule names the refusal.

    The reason is a sentence in English with places for `values`, so that it is kept once and told
    in the language of whoever reads it.
    """

    rule: str
    verdict: Verdict
    sentence: str
    refusal: str = ""
    values: dict[str, int] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return self.sentence % self.values

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of it; the values only where the sentence has places for them."""
        kept = {
            "rule": self.rule,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "refusal": self.refusal,
        }
        return {**kept, "sentence": self.sentence, "values": self.values} if self.values else kept


def reason_told(evaluation: dict[str, Any]) -> str:
    """Return the reason of a kept evaluation in the reader's language."""
    told = gettext(evaluation.get("sentence", evaluation["reason"]))
    values = evaluation.get("values")
    return told % values if values else told


@dataclass(frozen=True, slots=True)
class Judgement:
    """All evaluations of one claim, and what they come to."""

    evaluations: list[Evaluation]

    @property
    def refusal(self) -> str:
        """The contract's code of the first failed rule, empty if none failed."""
        return next((e.refusal for e in self.evaluations if e.verdict == Verdict.FAIL), "")

    @property
    def awaits_age(self) -> bool:
        return any(e.verdict == Verdict.UNKNOWN for e in self.evaluations)

    @property
    def awaits_review(self) -> bool:
        return any(e.verdict == Verdict.REVIEW for e in self.evaluations)

    @property
    def outcome(self) -> Outcome:
        if self.refusal:
            return Outcome.REFUSED
        return Outcome.HELD if self.awaits_age or self.awaits_review else Outcome.ACCEPTED

    @property
    def reasons(self) -> str:
        """Why it is not plainly accepted, in words."""
        return " ".join(e.reason for e in self.evaluations if e.verdict != Verdict.PASS)

    def as_json(self) -> list[dict[str, Any]]:
        return [evaluation.as_json() for evaluation in self.evaluations]


def judge(facts: Facts) -> Judgement:
    """Evaluate every rule on `facts`."""
    return Judgement([rule(facts) for rule in RULES])


def judge_late(
    *, referee: User, referrer: User, claimed_at: datetime, terms: ProgramTerms
) -> Judgement:
    """Evaluate what a claim had to leave open until Clerk told of the account: age and mailbox."""
    age = account_age(created_at=referee.account_created_at, claimed_at=claimed_at, terms=terms)
    return Judgement(
        [
            age,
            account_precedes(referrer=referrer, referee=referee),
            one_mailbox(referrer=referrer, referee=referee),
            lasting_mailbox(referee),
        ]
    )


def code_is_in_use(facts: Facts) -> Evaluation:
    rule = "code_is_in_use"
    if not facts.code.is_active:
        return _fail(rule, _("The code has been switched off."), "code_not_found")
    if facts.code.owner.is_gone:
        return _fail(rule, _("The referrer's account is deleted or banned."), "code_not_found")
    return _pass(rule, _("The code is active and its owner is here."))


def program_is_running(facts: Facts) -> Evaluation:
    if facts.code.program.is_running(facts.now):
        told = _("Terms version %(version)d are in force.")
        return _pass("program_is_running", told, version=facts.terms.version)
    return _fail("program_is_running", _("The program is not running."), "program_inactive")


def is_not_own_code(facts: Facts) -> Evaluation:
    if facts.code.owner_id == facts.referee.pk:
        return _fail("is_not_own_code", _("It is the claimer's own code."), "self_referral")
    return _pass("is_not_own_code", _("The code is somebody else's."))


def has_no_attribution(facts: Facts) -> Evaluation:
    if facts.is_attributed:
        reason = _("The claimer is attributed to another referrer.")
        return _fail("has_no_attribution", reason, "already_attributed")
    return _pass("has_no_attribution", _("The claimer is attributed to nobody."))


def was_not_rejected_before(facts: Facts) -> Evaluation:
    rule = "was_not_rejected_before"
    if facts.was_rejected:
        reason = _(
            "An earlier attribution was rejected or reversed; staff alone may attribute anew."
        )
        return _fail(rule, reason, "attribution_rejected")
    return _pass(rule, _("No earlier attribution was rejected or reversed."))


def closes_no_cycle(facts: Facts) -> Evaluation:
    if facts.closes_a_cycle:
        reason = _("The claimer invited the referrer, directly or through others.")
        return _fail("closes_no_cycle", reason, "reciprocal_referral")
    return _pass("closes_no_cycle", _("The claimer did not invite the referrer."))


def account_is_new(facts: Facts) -> Evaluation:
    """Judge by Clerk's creation time alone; our first sight of somebody says nothing of it."""
    return account_age(
        created_at=facts.referee.account_created_at, claimed_at=facts.now, terms=facts.terms
    )


def account_age(
    *, created_at: datetime | None, claimed_at: datetime, terms: ProgramTerms
) -> Evaluation:
    """Say whether an account was new when its owner claimed; unknown while Clerk has not said."""
    rule = "account_is_new"
    if created_at is None:
        told = _("Clerk has not yet said when the account was made.")
        return Evaluation(rule, Verdict.UNKNOWN, told)
    age = max(claimed_at - created_at, timedelta(0))
    told = _("The account was %(age)d days old; the window is %(window)d days.")
    days = {"age": age.days, "window": terms.claim_days}
    if age > terms.claim_window:
        return _fail(rule, told, "not_new_account", **days)
    return _pass(rule, told, **days)


def referrer_was_here_first(facts: Facts) -> Evaluation:
    return account_precedes(referrer=facts.code.owner, referee=facts.referee)


def account_precedes(*, referrer: User, referee: User) -> Evaluation:
    """Compare the ages of two accounts, as far as Clerk has told them."""
    rule = "referrer_was_here_first"
    referrer_since, referee_since = referrer.account_created_at, referee.account_created_at
    if referrer_since and referee_since and referrer_since > referee_since:
        reason = _("The referrer's account is younger than the claimer's.")
        return _fail(rule, reason, "reciprocal_referral")
    return _pass(rule, _("The referrer's account is not known to be the younger one."))


def referrer_is_within_caps(facts: Facts) -> Evaluation:
    rule = "referrer_is_within_caps"
    daily, total = facts.terms.daily_cap, facts.terms.total_cap
    if daily is not None and facts.claims_of_referrer_in_day >= daily:
        told = _("The referrer has reached %(cap)d claims in 24 hours.")
        return _fail(rule, told, "cap_reached", cap=daily)
    if total is not None and facts.claims_of_referrer_in_all >= total:
        told = _("The referrer has reached %(cap)d attributions.")
        return _fail(rule, told, "cap_reached", cap=total)
    return _pass(rule, _("The referrer is within the caps."))


def devices_differ(facts: Facts) -> Evaluation:
    if facts.share_a_device:
        return _review("devices_differ", _("Referrer and referee have used the same device."))
    return _pass("devices_differ", _("Referrer and referee share no known device."))


def mailboxes_differ(facts: Facts) -> Evaluation:
    return one_mailbox(referrer=facts.code.owner, referee=facts.referee)


def one_mailbox(*, referrer: User, referee: User) -> Evaluation:
    """Compare the mailboxes of two people, as far as they are known."""
    if mailbox(referee.email) and mailbox(referee.email) == mailbox(referrer.email):
        return _review("mailboxes_differ", _("Both e-mail addresses lead to the same mailbox."))
    return _pass("mailboxes_differ", _("The e-mail addresses are not known to be one mailbox."))


def mailbox_is_lasting(facts: Facts) -> Evaluation:
    return lasting_mailbox(facts.referee)


def lasting_mailbox(referee: User) -> Evaluation:
    """Look up the domain of a person's e-mail address, if it is known, among disposable ones."""
    if is_disposable(referee.email):
        return _review("mailbox_is_lasting", _("The e-mail address is of a disposable domain."))
    return _pass("mailbox_is_lasting", _("The e-mail domain is not known as disposable."))


def referrer_is_not_hurried(facts: Facts) -> Evaluation:
    return _hurry(
        "referrer_is_not_hurried",
        _("This is claim %(count)d for the referrer within an hour."),
        _("This is claim %(count)d for the referrer within an hour. Over %(limit)d is suspicious."),
        count=facts.claims_of_referrer_in_hour + 1,
        limit=facts.referrer_per_hour,
    )


def address_is_not_hurried(facts: Facts) -> Evaluation:
    return _hurry(
        "address_is_not_hurried",
        _("This is claim %(count)d from the network address within an hour."),
        _(
            "This is claim %(count)d from the network address within an hour."
            " Over %(limit)d is suspicious."
        ),
        count=facts.claims_from_address_in_hour + 1,
        limit=facts.address_per_hour,
    )


def _hurry(rule: str, calm: str, hurried: str, *, count: int, limit: int) -> Evaluation:
    if count > limit:
        return _review(rule, hurried, count=count, limit=limit)
    return _pass(rule, calm, count=count)


RULES: tuple[Callable[[Facts], Evaluation], ...] = (
    code_is_in_use,
    program_is_running,
    is_not_own_code,
    has_no_attribution,
    was_not_rejected_before,
    closes_no_cycle,
    account_is_new,
    referrer_was_here_first,
    referrer_is_within_caps,
    devices_differ,
    mailboxes_differ,
    mailbox_is_lasting,
    referrer_is_not_hurried,
    address_is_not_hurried,
)


def is_disposable(email: str) -> bool:
    """Say whether an address is of a domain whose mailboxes are thrown away."""
    return email.rpartition("@")[2].lower() in blocklist


def mailbox(email: str) -> str:
    """Return the mailbox behind an address: case, plus-tags and Gmail's dots do not count."""
    local, _, domain = email.strip().lower().rpartition("@")
    local = local.partition("+")[0]
    if domain in DOTLESS_DOMAINS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local and domain else ""


def _pass(rule: str, sentence: str, **values: int) -> Evaluation:
    return Evaluation(rule, Verdict.PASS, sentence, values=values)


def _review(rule: str, sentence: str, **values: int) -> Evaluation:
    return Evaluation(rule, Verdict.REVIEW, sentence, values=values)


def _fail(rule: str, sentence: str, refusal: str, **values: int) -> Evaluation:
    return Evaluation(rule, Verdict.FAIL, sentence, refusal, values)
