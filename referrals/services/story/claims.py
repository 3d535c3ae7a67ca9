"""What was tried, how it was judged, and how each attribution moved since."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.records import is_by_staff
from referrals.models import Attribution, Decision, Outcome, Status, TimelineEntry
from referrals.rules import Verdict
from referrals.services.imports import ACTOR as IMPORT
from referrals.services.payments import SYSTEM
from referrals.services.story.moments import Moment, Tone, Who
from referrals.services.story.sources import Sources
from referrals.services.story.words import (
    called,
    checks_of,
    often,
    pair,
    reason_of,
    when,
    who_did,
    why,
    why_refused,
)
from rewards.wording import in_words

STANDING = (Status.PENDING, Status.QUALIFIED, Status.REWARDED)
TONES = {
    Outcome.ACCEPTED: Tone.GOOD,
    Outcome.HELD: Tone.WAITS,
    Outcome.REFUSED: Tone.STOPS,
}
TONES_OF_STATUS = {
    Status.HELD: Tone.WAITS,
    Status.REJECTED: Tone.STOPS,
    Status.REVERSED: Tone.STOPS,
}


def claims_and_moves(read: Sources) -> Iterator[Moment]:
    """Tell of every claim with its rules, and of every move; the move that a claim makes is one."""
    folded = set()
    for decision in read.decisions:
        entry = _move_made_by(decision, read)
        folded.add(entry.pk if entry else None)
        yield _judged(decision, entry, read)
    for entry in read.moves:
        if entry.pk not in folded and not _goes_without_saying(entry, read):
            yield _moved(entry, read)


def _move_made_by(decision: Decision, read: Sources) -> TimelineEntry | None:
    at = (decision.attribution_id, decision.at)
    return next((entry for entry in read.moves if (entry.attribution_id, entry.at) == at), None)


def _judged(decision: Decision, entry: TimelineEntry | None, read: Sources) -> Moment:
    attribution = read.of(decision.attribution_id) if decision.attribution_id else None
    is_late = attribution is not None and decision.at > attribution.claimed_at
    details = promised(decision, read) if decision.outcome == Outcome.ACCEPTED else ()
    if entry and is_by_staff(entry.actor):
        details = (_reason(entry, read), *details)
    return Moment(
        at=decision.at,
        text=f"{_asked(decision, entry, is_late, read)} {_outcome(decision)}",
        by=_decider(entry, is_late, read),
        links=tuple(_links(decision, attribution, is_late)),
        details=details,
        checks=checks_of(decision),
        tone=TONES[Outcome(decision.outcome)],
    )


def _decider(entry: TimelineEntry | None, is_late: bool, read: Sources) -> Who:
    if entry is not None:
        return who_did(entry.actor, read.user)
    return Who(_("the system")) if is_late else Who(called(read.user), read.user)


def _links(
    decision: Decision, attribution: Attribution | None, is_late: bool
) -> Iterator[tuple[str, Model]]:
    yield _("Decision"), decision
    if attribution is not None:
        yield _("Attribution"), attribution
        if attribution.capture is not None and not is_late:
            yield _("Capture"), attribution.capture


def _reason(entry: TimelineEntry, read: Sources) -> str:
    return _("Reason: %(reason)s") % {"reason": reason_of(entry, read.decisions)}


def _asked(decision: Decision, entry: TimelineEntry | None, is_late: bool, read: Sources) -> str:
    told = {"code": decision.code, "person": called(read.user)}
    if is_late:
        return _("Clerk told when the account was made, so the claim was judged again.")
    if decision.referrer is None:
        return _("%(person)s claimed %(code)s.") % told
    told["referrer"] = decision.referrer.known_as
    if entry and is_by_staff(entry.actor):
        return _("%(person)s was attributed by hand to %(referrer)s, by %(code)s.") % told
    return _("%(person)s claimed %(code)s of %(referrer)s.") % told


def _outcome(decision: Decision) -> str:
    if decision.outcome == Outcome.ACCEPTED:
        return _("Accepted: both are owed their rewards.")
    if decision.outcome == Outcome.REFUSED:
        return _("Refused: %(reason)s") % {"reason": why_refused(decision)}
    if reasons := why(decision, Verdict.REVIEW):
        return _("Held for review: %(reasons)s") % {"reasons": reasons}
    return _("Held: %(reasons)s") % {"reasons": why(decision, Verdict.UNKNOWN)}


def promised(decision: Decision, read: Sources) -> tuple[str, ...]:
    """Say what the terms give to each side, and when."""
    terms = decision.terms
    if terms is None or decision.referrer is None:
        return ()
    told = {
        **pair(read.user, decision.referrer),
        "amounts": in_words(terms.referee_amounts),
        "terms": str(terms),
    }
    due = {
        **told,
        "amounts": in_words(terms.referrer_amounts),
        "often": often(terms.qualifying_event_count),
        "event": terms.qualifying_event_type,
        "days": terms.hold_days,
    }
    lines = []
    if terms.referee_amounts:
        lines.append(_("By %(terms)s, %(referee)s gets %(amounts)s at once.") % told)
    if terms.referrer_amounts and terms.hold_days:
        text = _(
            "%(referrer)s gets %(amounts)s %(days)d days after %(referee)s has done "
            "“%(event)s” %(often)s."
        )
        lines.append(text % due)
    elif terms.referrer_amounts:
        text = _("%(referrer)s gets %(amounts)s when %(referee)s has done “%(event)s” %(often)s.")
        lines.append(text % due)
    return tuple(lines)


def _moved(entry: TimelineEntry, read: Sources) -> Moment:
    attribution = read.of(entry.attribution_id)
    text, *details = _told_move(entry, attribution, read)
    # A service's reason is the event, which is told already.
    if entry.reason and not entry.actor.startswith("service:"):
        details.append(_reason(entry, read))
    return Moment(
        at=entry.at,
        text=text,
        by=who_did(entry.actor, attribution.referee, attribution.referrer),
        links=((_("Attribution"), attribution),),
        details=tuple(details),
        tone=TONES_OF_STATUS.get(Status(entry.to_status), Tone.GOOD),
    )


def _goes_without_saying(entry: TimelineEntry, read: Sources) -> bool:
    """Say whether a move is a further step of one act, which is told with the first.

    So is a reward paid with the very move that qualified, and the way of an attribution that was
    moved from another referrer, as far along as that was.
    """
    attribution = read.of(entry.attribution_id)
    if attribution.replaces_id and entry.from_status and _begins(entry.at, attribution, read):
        return True
    moved = (entry.from_status, entry.to_status)
    return moved == (Status.QUALIFIED, Status.REWARDED) and attribution.qualified_at == entry.at


def _begins(at: datetime, attribution: Attribution, read: Sources) -> bool:
    """Say whether an attribution was made at this moment."""
    own = (entry for entry in read.moves if entry.attribution_id == attribution.pk)
    return any(entry.at == at and not entry.from_status for entry in own)


IMPORTED: dict[str, Any] = {
    Status.PENDING: gettext_lazy("Invited by %(referrer)s in the earlier app."),
    Status.QUALIFIED: gettext_lazy("%(referee)s had done there what was asked."),
    Status.REWARDED: gettext_lazy("The reward of %(referrer)s was settled there."),
}
FURTHER: dict[tuple[str, str], Any] = {
    (Status.HELD, Status.PENDING): gettext_lazy("Approved: both are owed their rewards."),
    (Status.REJECTED, Status.HELD): gettext_lazy("Reopened: it is held for review again."),
    (Status.QUALIFIED, Status.REWARDED): gettext_lazy("The reward of %(referrer)s was due."),
}


def _told_move(entry: TimelineEntry, attribution: Attribution, read: Sources) -> tuple[str, ...]:
    """Return what a move means, and what else is to be said of it."""
    told: dict[str, object] = {**pair(attribution.referee, attribution.referrer)}
    moved = (entry.from_status, entry.to_status)
    if entry.actor == IMPORT:
        return (str(IMPORTED[entry.to_status]) % told,)
    if not entry.from_status:
        return (_begun(entry, attribution, read, told),)
    if moved == (Status.HELD, Status.PENDING) and entry.actor == SYSTEM:
        return (_("Accepted: both are owed their rewards."),)
    if moved == (Status.PENDING, Status.QUALIFIED):
        return _qualified(entry, attribution, told)
    if entry.to_status in (Status.REVERSED, Status.REJECTED):
        return (_ended(entry, attribution, read, told),)
    if entry.from_status == Status.REVERSED:
        return (_("Restored: %(referee)s counts as invited by %(referrer)s again.") % told,)
    if text := FURTHER.get(moved):
        return (str(text) % told,)
    told |= {"from": entry.get_from_status_display(), "to": entry.get_to_status_display()}
    return (_("It went from “%(from)s” to “%(to)s”.") % told,)


def _begun(
    entry: TimelineEntry, attribution: Attribution, read: Sources, told: dict[str, object]
) -> str:
    replaced = replaced_by(attribution, read)
    if replaced is not None:
        from_whom = {**told, "from": called(replaced.referrer)}
        return _("Moved here: invited by %(referrer)s, not by %(from)s.") % from_whom
    if entry.to_status == Status.HELD:
        return _("Held: %(referrer)s may have invited %(referee)s.") % told
    return _("Attributed to %(referrer)s: both are owed their rewards.") % told


def _ended(
    entry: TimelineEntry, attribution: Attribution, read: Sources, told: dict[str, object]
) -> str:
    later = [a for a in read.attributions if a.replaces_id == attribution.pk]
    for moved_to in later:
        if _begins(entry.at, moved_to, read):
            to = {**told, "to": called(moved_to.referrer)}
            return _("Moved away: invited by %(to)s, not by %(referrer)s.") % to
    replaced = replaced_by(attribution, read)
    if replaced is not None and _moves_at(entry.at, replaced, read):
        back = {**told, "to": called(replaced.referrer)}
        return _("Moved back: invited by %(to)s, not by %(referrer)s.") % back
    if entry.to_status == Status.REJECTED:
        return _("Rejected: nobody is paid.")
    return _("Reversed: %(referee)s no longer counts as invited by %(referrer)s.") % told


def _moves_at(at: datetime, attribution: Attribution, read: Sources) -> bool:
    return any((entry.attribution_id, entry.at) == (attribution.pk, at) for entry in read.moves)


def replaced_by(attribution: Attribution, read: Sources) -> Attribution | None:
    """Return the attribution that was moved to become this one."""
    earlier = attribution.replaces_id
    return next((a for a in read.attributions if a.pk == earlier), None)


def successor_of(attribution: Attribution, read: Sources) -> Attribution | None:
    """Return the attribution that this one was last moved to, if that stands."""
    later = [a for a in read.attributions if a.replaces_id == attribution.pk and a.is_live]
    return later[-1] if later else None


def _qualified(
    entry: TimelineEntry, attribution: Attribution, told: dict[str, object]
) -> tuple[str, ...]:
    if attribution.rewarded_at == entry.at:
        text = _("Qualified: %(referee)s has done what the terms ask; %(referrer)s is paid.")
        return (text % told,)
    text = _("Qualified: %(referee)s has done what the terms ask.") % told
    if attribution.release_at and attribution.release_at > entry.at:
        due = {**told, "at": when(attribution.release_at)}
        return text, _("The reward of %(referrer)s is held back until %(at)s.") % due
    if attribution.rewarded_at is None and attribution.referrer.is_gone:
        return text, _("%(referrer)s is not paid: the account is deleted or banned.") % told
    return (text,)
