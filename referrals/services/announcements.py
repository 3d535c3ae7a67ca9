"""Tell the web app how attributions move, through the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import outbox.services as outbox
from referrals.models import Attribution, Status, TimelineEntry

RESTORED = "attribution.restored"
OF_STATUS: dict[str, str] = {
    Status.HELD: "attribution.held",
    Status.PENDING: "attribution.made",
    Status.QUALIFIED: "attribution.qualified",
    Status.REWARDED: "attribution.rewarded",
    Status.REJECTED: "attribution.rejected",
    Status.REVERSED: "attribution.reversed",
}
EVENT_TYPES = {
    "attribution.held": "A claim waits for staff, or for the age of the account, to be decided.",
    "attribution.made": "Somebody is attributed to who invited them, and rewarded for it.",
    "attribution.qualified": "The invited person has done what the terms ask for.",
    "attribution.rewarded": "The person who invited is rewarded.",
    "attribution.rejected": "A held attribution was refused; nobody was paid.",
    "attribution.reversed": "An attribution was undone, and what it paid was taken back.",
    RESTORED: "An attribution that was rejected or reversed stands again as it did.",
}


def announce(
    attribution: Attribution, steps: Sequence[TimelineEntry], *, undoing: bool, now: datetime
) -> None:
    """Publish each step of one move, in order; one insert, no query, none if it is off."""
    if not outbox.is_on():
        return
    outbox.publish(
        [
            outbox.Event(
                RESTORED if undoing else OF_STATUS[step.to_status], _told(attribution, step)
            )
            for step in steps
        ],
        now=now,
    )


def _told(attribution: Attribution, step: TimelineEntry) -> dict[str, Any]:
    """Say who, and what the terms promise each; no code, which may hold a name, and no reason."""
    terms, replaces = attribution.terms, attribution.replaces_id
    return {
        "attribution": str(attribution.pk),
        "status": str(step.to_status),
        "previous_status": str(step.from_status) or None,
        "program": str(terms.program.slug),
        "referee_id": attribution.referee.clerk_id,
        "referrer_id": attribution.referrer.clerk_id,
        "referee_reward": terms.referee_amounts.as_dict(),
        "referrer_reward": terms.referrer_amounts.as_dict(),
        "claimed_at": attribution.claimed_at.isoformat().replace("+00:00", "Z"),
        "replaces": str(replaces) if replaces else None,
    }
