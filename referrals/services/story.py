"""Tell, in words and in order, why somebody was attributed to whom, or to nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model

from accounts.models import User
from referrals.models import (
    Attribution,
    Capture,
    ClosedReason,
    Decision,
    Outcome,
    QualifyingEvent,
    TimelineEntry,
)
from referrals.rules import Verdict
from rewards.amounts import Amounts
from rewards.models import Transaction

MOST_EVENTS = 50
ENDINGS = {
    ClosedReason.CLAIMED: "was used by the claim",
    ClosedReason.FORGOTTEN: "was forgotten at their own wish",
    ClosedReason.OWN_CODE: "was dropped: it is their own",
    ClosedReason.MERGED: "was merged with the same code, held already",
    ClosedReason.ERASED: "was dropped with the account",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, when, and the row that says so."""

    at: datetime
    text: str
    about: Model


@dataclass(frozen=True, slots=True)
class Story:
    """What there is to say of somebody's invitation: in a sentence, and line by line."""

    summary: str
    attribution: Attribution | None
    lines: list[Line]


def story_of(*, user: User, now: datetime) -> Story:
    """Return how `user` was invited and what came of it, from every source, the oldest first.

    Costs the same few queries however long the story is.
    """
    attributions = list(Attribution.objects.with_names().filter(referee=user))
    captures = list(
        Capture.objects.filter(user=user).select_related("code__owner", "browser_session")
    )
    decisions = list(Decision.objects.filter(referee=user).select_related("referrer"))
    # Of what one request did at one moment, the cause comes first.
    lines = [
        *_beginnings(user),
        *_of_events(user),
        *(_of_decision(decision) for decision in decisions),
        *(line for capture in captures for line in _of_capture(capture, now)),
        *_of_timeline(attributions),
        *_of_ledger(attributions),
    ]
    latest = max(attributions, key=lambda a: (a.is_live, a.claimed_at), default=None)
    return Story(
        summary=_summary(user, latest, captures, decisions),
        attribution=latest,
        lines=sorted(lines, key=lambda line: line.at),
    )


def named(user: User) -> str:
    """Return who somebody is, for staff: the first name, if known, and the Clerk id."""
    return f"{user.display_name} ({user})" if user.first_name else str(user)


def told(amounts: Amounts) -> str:
    """Return amounts in words, e.g. `+1 stars, -50 coins`; a dash for nothing."""
    return ", ".join(f"{n:+} {c.replace('_', ' ')}" for c, n in amounts if n) or "—"


def _summary(
    user: User,
    attribution: Attribution | None,
    captures: list[Capture],
    decisions: list[Decision],
) -> str:
    if user.deleted_at:
        return "The account has been deleted."
    if attribution is not None and attribution.is_live:
        return f"Attributed to {named(attribution.referrer)}: {attribution.status}."
    if attribution is not None:
        return f"Attributed to nobody: the attribution was {attribution.status}."
    refused = [d for d in decisions if d.outcome == Outcome.REFUSED]
    if refused:
        last = max(refused, key=lambda decision: decision.pk)
        return f"Attributed to nobody: {_refused_for(last)}"
    if captures:
        return "Attributed to nobody: an invitation was opened, and none was claimed."
    return "Attributed to nobody: no invitation was opened and no code was claimed."


def _beginnings(user: User) -> Iterator[Line]:
    if user.account_created_at:
        yield Line(user.account_created_at, "Clerk made the account.", user)
    yield Line(user.created_at, "Seen here for the first time.", user)


def _of_capture(capture: Capture, now: datetime) -> Iterator[Line]:
    code = f"{capture.code} of {named(capture.code.owner)}"
    where = "signed in"
    if capture.browser_session:
        where = f"in browser session {capture.browser_session_id}, before signing in"
    yield Line(capture.first_opened_at, f"Opened {code}, {where}.", capture)
    if capture.opened_at > capture.first_opened_at:
        yield Line(capture.opened_at, f"Opened {code} once more.", capture)
    if capture.adopted_at:
        device = capture.browser_session and capture.browser_session.device_id
        yield Line(capture.adopted_at, f"Signed in on device {device}: {code} is theirs.", capture)
    if capture.closed_at:
        yield Line(
            capture.closed_at, f"{code} {ENDINGS[ClosedReason(capture.closed_reason)]}.", capture
        )
    elif capture.expires_at <= now:
        yield Line(capture.expires_at, f"{code} expired unclaimed.", capture)


def _of_decision(decision: Decision) -> Line:
    code = f"{decision.code} of {named(decision.referrer)}" if decision.referrer else decision.code
    outcome = f"{decision.outcome} ({decision.refusal})" if decision.refusal else decision.outcome
    text = f"Claim of {code}: {outcome}. {_reasons(decision)}"
    return Line(decision.at, text.strip(), decision)


def _reasons(decision: Decision) -> str:
    stopped = (e for e in decision.evaluations if e["verdict"] != Verdict.PASS)
    return " ".join(e["reason"] for e in stopped)


def _refused_for(decision: Decision) -> str:
    failed = (e["reason"] for e in decision.evaluations if e["verdict"] == Verdict.FAIL)
    return next(failed, f"{decision.code}: {decision.refusal}.")


def _of_timeline(attributions: list[Attribution]) -> Iterator[Line]:
    entries = TimelineEntry.objects.filter(attribution__in=attributions)
    for entry in entries.select_related("attribution"):
        moved = f"{entry.from_status or 'new'} → {entry.to_status}"
        yield Line(entry.at, f"{moved}, by {entry.actor}: {entry.reason}", entry.attribution)


def _of_events(user: User) -> Iterator[Line]:
    first = QualifyingEvent.objects.filter(user=user).order_by("received_at", "pk")
    for event in first[:MOST_EVENTS]:
        yield Line(event.received_at, f"{event.source} reported {event.type}.", event)


def _of_ledger(attributions: list[Attribution]) -> Iterator[Line]:
    references = [attribution.reference for attribution in attributions]
    paid = Transaction.objects.filter(reference__in=references).select_related("user")
    for line in paid.with_amounts():
        yield Line(line.created_at, f"{named(line.user)}: {told(line.amounts)}. {line.memo}", line)
