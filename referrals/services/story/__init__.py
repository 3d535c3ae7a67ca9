"""Tell, in words and in order, why somebody was attributed to whom, or to nobody."""

from datetime import datetime

from accounts.models import User
from referrals.models import Attribution
from referrals.services.story.claims import claims_and_moves, replaced_by, successor_of
from referrals.services.story.invited import Invited, invited_by
from referrals.services.story.lives import beginnings, ends, events
from referrals.services.story.moments import Check, Moment, Story, Tone, Who
from referrals.services.story.money import paid_for, payments
from referrals.services.story.shared import SharedDevice, devices_of
from referrals.services.story.sources import sources_of
from referrals.services.story.summary import sides, summary_of
from referrals.services.story.visits import adoptions, devices, endings, of_others, openings
from referrals.services.story.waiting import waiting_for
from referrals.services.story.words import checks_of, invitation, short, who_did
from rewards.amounts import Amounts

__all__ = [
    "Check",
    "Invited",
    "Moment",
    "SharedDevice",
    "Story",
    "Tone",
    "Who",
    "checks_of",
    "devices_of",
    "invitation",
    "invited_by",
    "paid_for",
    "short",
    "sides",
    "story_of",
    "waiting_for",
    "who_did",
]


def story_of(*, user: User, now: datetime, about: Attribution | None = None) -> Story:
    """Return how `user` was invited and what came of it, from every source, the oldest first.

    The summary is on the attribution `about`, by default on the live one, else the last. Costs the
    same few queries however long the story is, and says what it leaves out.
    """
    read = sources_of(user=user, now=now, about=about)
    attribution = read.of(about.pk) if about is not None else read.latest
    paid = paid_for(read.attributions)
    # Of what one request did at one moment, the cause comes first.
    moments = [
        *beginnings(read),
        *openings(read),
        *of_others(read),
        *devices(read),
        *adoptions(read),
        *events(read),
        *claims_and_moves(read),
        *endings(read),
        *payments(read),
        *ends(read),
    ]
    return Story(
        summary=summary_of(read, attribution, paid),
        attribution=attribution,
        moments=sorted(moments, key=lambda moment: moment.at),
        left_out=read.left_out,
        paid=sides(attribution, paid) if attribution else (Amounts(), Amounts()),
        replaced=replaced_by(attribution, read) if attribution else None,
        successor=successor_of(attribution, read) if attribution else None,
    )
