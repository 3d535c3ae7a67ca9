"""When somebody came, and what services said that they did."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from referrals.models import QualifyingEvent
from referrals.services.story.moments import Moment, Tone, Who
from referrals.services.story.sources import Sources
from referrals.services.story.words import called, who_did

TOLD_OF_THE_UNATTRIBUTED = 3
"""How many events of a type are told one by one of somebody for whom no terms count them."""


def beginnings(read: Sources) -> Iterator[Moment]:
    user, links = read.user, ((_("Person"), read.user),)
    told = {"person": called(user)}
    if user.account_created_at:
        text = _("%(person)s’s account was made.") % told
        yield Moment(user.account_created_at, text, Who(_("Clerk")), links, tone=Tone.QUIET)
    text = _("%(person)s was seen here for the first time.") % told
    yield Moment(user.created_at, text, Who(_("the system")), links, tone=Tone.QUIET)


def ends(read: Sources) -> Iterator[Moment]:
    user, links = read.user, ((_("Person"), read.user),)
    told = {"person": called(user)}
    if user.banned_at:
        text = _("%(person)s was banned.") % told
        yield Moment(user.banned_at, text, Who(_("Clerk")), links, tone=Tone.STOPS)
    if user.deleted_at:
        text = _("The account was deleted, and the person’s data erased.")
        yield Moment(user.deleted_at, text, Who(_("the system")), links, tone=Tone.STOPS)


def events(read: Sources) -> Iterator[Moment]:
    """Tell of the first events, each with its number among those of its type, and sum up the rest.

    The first are as many as the terms ask for: what came later brought the inviter nothing.
    """
    asked = [a.terms.qualifying_event_count for a in read.attributions]
    for type_, same in groupby(sorted(read.events, key=_by_type), key=lambda event: event.type):
        sent = list(same)
        told = min(len(sent), max(asked, default=TOLD_OF_THE_UNATTRIBUTED))
        for number, event in enumerate(sent[:told], start=1):
            does = {"person": called(read.user), "type": type_, "n": number}
            yield _did(event, _("%(person)s has done “%(type)s”, number %(n)d.") % does)
        if later := sent[told:]:
            more = ngettext(
                "%(person)s has done “%(type)s” once more by now.",
                "%(person)s has done “%(type)s” %(n)d more times by now.",
                len(later),
            )
            does = {"person": called(read.user), "type": type_, "n": len(later)}
            yield _did(later[-1], more % does, Tone.QUIET)


def _by_type(event: QualifyingEvent) -> tuple[str, datetime, int]:
    return event.type, event.received_at, event.pk


def _did(event: QualifyingEvent, text: str, tone: Tone = Tone.PLAIN) -> Moment:
    by = who_did(f"service:{event.source}")
    return Moment(event.received_at, text, by, links=((_("Event"), event),), tone=tone)
