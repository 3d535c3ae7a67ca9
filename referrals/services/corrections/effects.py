"""Tell what a correction did to attributions and to what their people hold."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from backoffice.refusals import refusal_told
from referrals.models import Attribution, TimelineEntry
from referrals.services.story.words import invitation
from rewards.services.effects import Effect, effect_on


def effect_of(
    attributions: Iterable[Attribution], *, now: datetime, also: Iterable[str] = ()
) -> Effect:
    """Return what the present transaction did at `now` to these attributions and their people.

    `also` are further sentences for its moves.
    """
    concerned = list(attributions)
    moves = [*_moves(concerned, now), *also]
    return effect_on(user_ids=people_of(concerned), now=now, moves=moves)


def left_out(attribution: Attribution, refusal: Exception) -> str:
    """Say of one of many why nothing is done to it."""
    values = {"attribution": invitation(attribution), "why": refusal_told(refusal)}
    return _("%(attribution)s: left out. %(why)s") % values


def moved_of(attributions: Iterable[Attribution], *, now: datetime) -> list[Attribution]:
    """Return those of `attributions` that the present transaction moved at `now`."""
    concerned = {attribution.pk: attribution for attribution in attributions}
    entries = TimelineEntry.objects.filter(attribution__in=concerned, at=now)
    moved = set(entries.values_list("attribution", flat=True))
    return [attribution for id_, attribution in concerned.items() if id_ in moved]


def people_of(attributions: Iterable[Attribution]) -> set[int]:
    return {id_ for a in attributions for id_ in (a.referee_id, a.referrer_id)}


def _moves(attributions: list[Attribution], now: datetime) -> list[str]:
    entries = TimelineEntry.objects.filter(attribution__in=attributions, at=now)
    return [
        _("%(attribution)s: %(from)s → %(to)s")
        % {
            "attribution": invitation(entry.attribution),
            "from": entry.get_from_status_display() or _("new"),
            "to": entry.get_to_status_display(),
        }
        for entry in entries.select_related("attribution__referee", "attribution__referrer")
    ]
