"""When somebody came, and what services said that they did."""

from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext as _

from referrals.services.story.moments import Moment, Tone, Who
from referrals.services.story.sources import Sources
from referrals.services.story.words import called, who_did


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
    """Tell of the first events, each with its number among those of its type."""
    number: Counter[str] = Counter()
    for event in read.events:
        number[event.type] += 1
        told = {"person": called(read.user), "type": event.type, "n": number[event.type]}
        yield Moment(
            at=event.received_at,
            text=_("%(person)s has done “%(type)s”, number %(n)d.") % told,
            by=who_did(f"service:{event.source}"),
            links=((_("Event"), event),),
        )
