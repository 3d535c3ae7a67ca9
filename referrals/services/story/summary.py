"""The big answer: who invited somebody and what came of it, or why nobody counts as having."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from backoffice.records import is_by_staff
from referrals.models import (
    Attribution,
    Capture,
    ClosedReason,
    Decision,
    Outcome,
    Status,
    TimelineEntry,
)
from referrals.rules import Verdict
from referrals.services.imports import is_imported
from referrals.services.story.claims import successor_of
from referrals.services.story.money import Paid
from referrals.services.story.sources import Sources, by_visit
from referrals.services.story.words import (
    called,
    listed,
    often,
    pair,
    reason_of,
    when,
    who_did,
    why,
    why_refused,
)
from rewards.amounts import Amounts
from rewards.wording import in_words, signed


def summary_of(read: Sources, attribution: Attribution | None, paid: Paid) -> str:
    """Return one or two sentences on this attribution, or on why there is none."""
    if attribution is not None:
        sentences = [_claimed(attribution, read), _standing(attribution, read, paid)]
    else:
        sentences = [
            _("%(person)s is attributed to nobody.") % {"person": called(read.user)},
            _why_nobody(read),
        ]
    return " ".join([*_gone(read.user), *sentences])


def _gone(user: User) -> list[str]:
    if user.deleted_at:
        return [_("The account has been deleted.")]
    if user.banned_at:
        return [_("%(person)s is banned.") % {"person": called(user)}]
    return []


def _claimed(attribution: Attribution, read: Sources) -> str:
    """Say who invited whom, or, where that does not count, that somebody claimed it."""
    by_staff = [e for e in read.moves if _begins_by_staff(e, attribution)]
    if by_staff:
        return _by_hand(by_staff[0], attribution)
    told_of = {
        **pair(attribution.referee, attribution.referrer),
        "code": attribution.code,
        "at": when(attribution.claimed_at),
    }
    if attribution.status == Status.HELD:
        text = _("%(referee)s claimed %(code)s of %(referrer)s on %(at)s.")
    elif attribution.is_live:
        text = _("%(referee)s was invited by %(referrer)s with %(code)s on %(at)s.")
    else:
        text = _("%(referee)s claimed %(code)s of %(referrer)s on %(at)s, and it no longer counts.")
    return text % told_of


def _begins_by_staff(entry: TimelineEntry, attribution: Attribution) -> bool:
    is_first = entry.attribution_id == attribution.pk and not entry.from_status
    return is_first and is_by_staff(entry.actor)


def _by_hand(entry: TimelineEntry, attribution: Attribution) -> str:
    text = _("%(referee)s was attributed to %(referrer)s by %(who)s on %(at)s: %(reason)s")
    return text % {
        **pair(attribution.referee, attribution.referrer),
        "who": who_did(entry.actor).text,
        "at": when(entry.at),
        "reason": _as_sentence(entry.reason),
    }


def _standing(attribution: Attribution, read: Sources, paid: Paid) -> str:
    describe = {
        Status.HELD: _held,
        Status.PENDING: _pending,
        Status.QUALIFIED: _qualified,
        Status.REWARDED: _rewarded,
        Status.REJECTED: _ended,
        Status.REVERSED: _ended,
    }[Status(attribution.status)]
    return describe(attribution, read, paid)


def _held(attribution: Attribution, read: Sources, paid: Paid) -> str:
    made = [d for d in read.decisions if d.attribution_id == attribution.pk]
    reviewed = [why(d, Verdict.REVIEW) for d in made if why(d, Verdict.REVIEW)]
    if attribution.awaits_review and reviewed:
        text = _("It is held until staff decide: %(reasons)s Nobody has been paid yet.")
        return text % {"reasons": reviewed[-1]}
    if attribution.awaits_review:
        return _("It is held until staff decide. Nobody has been paid yet.")
    return _(
        "It is held until Clerk tells when the account was made; "
        "then it is accepted or rejected by itself. Nobody has been paid yet."
    )


def _pending(attribution: Attribution, read: Sources, paid: Paid) -> str:
    terms = attribution.terms
    done = sum(event.type == terms.qualifying_event_type for event in read.events)
    due = _(
        "%(referrer)s is owed %(amounts)s once %(referee)s has done “%(event)s” %(often)s; "
        "%(done)d so far."
    ) % {
        **pair(attribution.referee, attribution.referrer),
        "amounts": in_words(terms.referrer_amounts),
        "event": terms.qualifying_event_type,
        "often": often(terms.qualifying_event_count),
        "done": done,
    }
    return f"{_has(attribution, paid)} {due}"


def _qualified(attribution: Attribution, read: Sources, paid: Paid) -> str:
    names = pair(attribution.referee, attribution.referrer)
    amounts = in_words(attribution.terms.referrer_amounts)
    if attribution.referrer.is_gone:
        waits = _("%(referrer)s would get %(amounts)s, but is deleted or banned.")
        return f"{_has(attribution, paid)} {waits % {**names, 'amounts': amounts}}"
    due = _("%(referrer)s gets %(amounts)s on %(at)s, when the hold is over.") % {
        **names,
        "amounts": amounts,
        "at": when(attribution.release_at or attribution.claimed_at),
    }
    return f"{_has(attribution, paid)} {due}"


def _rewarded(attribution: Attribution, read: Sources, paid: Paid) -> str:
    to_referee, to_referrer = sides(attribution, paid)
    if not (to_referee or to_referrer) and is_imported(attribution):
        return _has(attribution, paid)
    told_both = {
        **pair(attribution.referee, attribution.referrer),
        "to_referee": signed(to_referee),
        "to_referrer": signed(to_referrer),
    }
    if to_referee and to_referrer:
        text = _("Both were rewarded: %(referee)s %(to_referee)s, %(referrer)s %(to_referrer)s.")
        return text % told_both
    return _("It is settled: %(referee)s %(to_referee)s, %(referrer)s %(to_referrer)s.") % told_both


def _ended(attribution: Attribution, read: Sources, paid: Paid) -> str:
    last = [e for e in read.moves if e.attribution_id == attribution.pk][-1:]
    successor = successor_of(attribution, read)
    if successor is not None:
        first = _("It was moved: %(to)s counts as the inviter now.")
        return f"{first % {'to': called(successor.referrer)}} {_has(attribution, paid)}"
    text = (
        _("It was rejected by %(who)s on %(at)s: %(reason)s")
        if attribution.status == Status.REJECTED
        else _("It was reversed by %(who)s on %(at)s: %(reason)s")
    )
    ended = [
        text
        % {
            "who": who_did(entry.actor, attribution.referee, attribution.referrer).text,
            "at": when(entry.at),
            "reason": _as_sentence(reason_of(entry, read.decisions)),
        }
        for entry in last
    ]
    return " ".join([*ended, _has(attribution, paid)])


def _has(attribution: Attribution, paid: Paid) -> str:
    """Say what the two have from it by now."""
    to_referee, to_referrer = sides(attribution, paid)
    names = pair(attribution.referee, attribution.referrer)
    if to_referee and to_referrer:
        text = _("%(referee)s has %(to_referee)s from it, %(referrer)s %(to_referrer)s.")
        return text % {
            **names,
            "to_referee": signed(to_referee),
            "to_referrer": signed(to_referrer),
        }
    if to_referee:
        return _("%(referee)s was rewarded: %(amounts)s.") % {
            **names,
            "amounts": signed(to_referee),
        }
    if to_referrer:
        amounts = signed(to_referrer)
        return _("%(referrer)s was rewarded: %(amounts)s.") % {**names, "amounts": amounts}
    if is_imported(attribution):
        return _("What the earlier app paid for it is in the balances brought over from there.")
    return _("Nobody has anything from it.")


def sides(attribution: Attribution, paid: Paid) -> tuple[Amounts, Amounts]:
    """Return what referee and referrer have of an attribution, net."""
    reference = attribution.reference
    return (
        paid.get((reference, attribution.referee_id), Amounts()),
        paid.get((reference, attribution.referrer_id), Amounts()),
    )


def _as_sentence(text: str) -> str:
    text = text.strip()
    # Thai sentences end in no sign.
    return f"{text}." if text[-1:].isascii() and not text.endswith((".", "!", "?")) else text


def _why_nobody(read: Sources) -> str:
    """Return why a person without any attribution has none: the last thing that went wrong."""
    refused = [d for d in read.decisions if d.outcome == Outcome.REFUSED]
    opened = sorted(read.own_captures, key=lambda c: c.opened_at)
    claimable = [c for c in opened if c.closed_at is None and c.expires_at > read.now]
    told_why = [_refused(refused[-1], read)] if refused else []
    if claimable and not (refused and refused[-1].at > claimable[-1].opened_at):
        told_why.append(_waiting(claimable[-1], read))
    if told_why:
        return " ".join(told_why)
    if opened:
        return _lost(opened[-1], read)
    return _went_to_others(read) or _("No invitation was opened and no code was claimed.")


def _refused(decision: Decision, read: Sources) -> str:
    return _("A claim of %(code)s on %(at)s was refused: %(reason)s") % {
        "code": decision.code,
        "at": when(decision.at),
        "reason": why_refused(decision),
    }


def _about(capture: Capture, at: datetime) -> dict[str, str]:
    return {
        "code": str(capture.code),
        "referrer": called(capture.code.owner),
        "opened": when(capture.opened_at),
        "at": when(at),
    }


def _waiting(capture: Capture, read: Sources) -> str:
    text = _(
        "%(code)s of %(referrer)s was opened on %(opened)s and has not been claimed; "
        "it can be claimed until %(at)s."
    )
    return text % _about(capture, capture.expires_at)


def _lost(capture: Capture, read: Sources) -> str:
    about = _about(capture, capture.closed_at or capture.expires_at)
    if capture.closed_at is None:
        text = _(
            "%(code)s of %(referrer)s was opened on %(opened)s "
            "and expired on %(at)s without being claimed."
        )
    elif capture.closed_reason == ClosedReason.FORGOTTEN:
        text = _("%(code)s of %(referrer)s was opened on %(opened)s and forgotten on request.")
    elif capture.closed_reason == ClosedReason.OWN_CODE:
        text = _("%(code)s, opened on %(opened)s, is their own code, and counts for nothing.")
    else:
        text = _("%(code)s of %(referrer)s was opened on %(opened)s and never claimed.")
    return text % about


def _went_to_others(read: Sources) -> str:
    """Say who took what was opened on the person's devices; nothing if nobody did."""
    opened = by_visit([c for c in read.captures if c.code.owner_id != read.user.pk])
    taken = [v for v in read.visits if v.adopted_by_id != read.user.pk and opened.get(v.pk)]
    if not taken:
        return ""
    visit = taken[0]
    told_of = {
        "codes": listed(str(capture.code) for capture in opened[visit.pk]),
        "person": called(read.user),
        "other": called(visit.adopted_by) if visit.adopted_by else "",
        "at": when(visit.adopted_at or visit.created_at),
    }
    if visit.adopted_by:
        text = _(
            "%(codes)s was opened on a device that %(person)s uses too, but %(other)s signed in "
            "there first, on %(at)s, so it belongs to %(other)s."
        )
    else:
        text = _(
            "%(codes)s was opened on %(at)s on a device that %(person)s uses, "
            "and nobody has signed in there since."
        )
    return text % told_of
