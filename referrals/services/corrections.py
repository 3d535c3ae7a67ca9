"""What staff put right of an attribution, each told as its effect: moves, lines, balances."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from referrals.models import Attribution, TimelineEntry
from referrals.services.attributions import reverse_attribution
from rewards.services.effects import Effect, effect_on


@transaction.atomic
def reverse(
    attribution: Attribution, *, actor: str, reason: str, now: datetime, claw_back: bool = False
) -> Effect:
    """Reverse an attribution; see `reverse_attribution`."""
    reverse_attribution(
        attribution=attribution, actor=actor, reason=reason, now=now, claw_back=claw_back
    )
    return effect_of([attribution], now=now)


def effect_of(attributions: Iterable[Attribution], *, now: datetime) -> Effect:
    """Return what the present transaction did at `now` to these attributions and their people."""
    concerned = list(attributions)
    people = {id_ for a in concerned for id_ in (a.referee_id, a.referrer_id)}
    return effect_on(user_ids=people, now=now, moves=_moves(concerned, now))


def _moves(attributions: list[Attribution], now: datetime) -> list[str]:
    entries = TimelineEntry.objects.filter(attribution__in=attributions, at=now)
    return [
        _("%(attribution)s: %(from)s → %(to)s")
        % {
            "attribution": entry.attribution,
            "from": entry.get_from_status_display() or _("new"),
            "to": entry.get_to_status_display(),
        }
        for entry in entries.select_related("attribution__referee", "attribution__referrer")
    ]
