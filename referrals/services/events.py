"""Record what back ends say that people did, and reward what it brings."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Q

from accounts.models import User
from accounts.services import provision_user
from referrals.models import Attribution, QualifyingEvent, Status
from referrals.services.attributions import is_due, lock_people, qualify
from rewards import services as rewards


class EventConflict(Exception):
    """This event id was used before, with other content."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as a service sends it; `clerk_id` says who did it."""

    event_id: str
    type: str
    clerk_id: str
    occurred_at: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        occurred_at = self.occurred_at.timestamp() if self.occurred_at else None
        content = [self.type, self.clerk_id, occurred_at, self.data]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an event: new, known already, or in conflict with a known one."""

    event_id: str
    received_at: datetime
    attribution_status: str | None
    is_new: bool
    conflicts: bool = False


def record_event(*, event: NewEvent, source: str, now: datetime) -> Recorded:
    """Record one event; see `record_events`. Raises `EventConflict`."""
    recorded = record_events(events=[event], source=source, now=now)[0]
    if recorded.conflicts:
        raise EventConflict
    return recorded


def record_events(*, events: Sequence[NewEvent], source: str, now: datetime) -> list[Recorded]:
    """Record `events`, in order, each at most once by its id, and return what became of each.

    The n-th event that the terms name qualifies a pending attribution; reward rules are paid at
    their thresholds. Somebody unknown is provisioned. Events of a deleted or banned person are kept
    and bring nothing. `source` names the sender.
    """
    if not events:
        return []
    with transaction.atomic():
        people = _people({event.clerk_id for event in events}, now)
        rows = [_row(event, people[event.clerk_id], source, now) for event in events]
        new_ids = _insert(rows)
        known = _known({row.event_id for row in rows} - new_ids)
        attributions = _attributions_that_count({row.user_id for row in rows})
        _lock_late_referrers(attributions.values(), people.values())
        places = _places(_first_of_each([row for row in rows if row.event_id in new_ids]), now)
        recorded, counted = [], []
        for row in rows:
            is_new = row.event_id in new_ids
            if is_new:
                new_ids.remove(row.event_id)
                known[row.event_id] = row
            if is_new and not row.user.is_gone:
                counted.append(row)
                _qualify(row, attributions.get(row.user_id), places[row.event_id].in_all, now)
            recorded.append(_recorded(row, known[row.event_id], attributions, is_new))
        _pay_rules(counted, places, now)
    return recorded


def _recorded(
    row: QualifyingEvent,
    known: QualifyingEvent,
    attributions: dict[int, Attribution],
    is_new: bool,
) -> Recorded:
    attribution = attributions.get(row.user_id)
    return Recorded(
        event_id=row.event_id,
        received_at=known.received_at,
        attribution_status=attribution.status if attribution else None,
        is_new=is_new,
        conflicts=known.content_hash != row.content_hash,
    )


def _people(clerk_ids: set[str], now: datetime) -> dict[str, User]:
    """Return these people, and who may be paid for them, locked; the unknown are provisioned."""
    people = _lock_people(clerk_ids)
    unknown = sorted(clerk_ids - people.keys())
    for clerk_id in unknown:
        provision_user(clerk_id=clerk_id, now=now)
    return _lock_people(clerk_ids) if unknown else people


def _lock_people(clerk_ids: set[str]) -> dict[str, User]:
    """Lock these people and who may be paid for them, the lower id first.

    So the events of one person are counted one after the other, and a deletion waits its turn.
    """
    doers = User.objects.filter(clerk_id__in=clerk_ids)
    inviters = Attribution.objects.filter(
        referee__clerk_id__in=clerk_ids, status=Status.PENDING
    ).values("referrer")
    locked = (
        User.objects.filter(pk__in=doers.values("pk").union(inviters))
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return {user.clerk_id: user for user in locked if user.clerk_id}


def _row(event: NewEvent, user: User, source: str, now: datetime) -> QualifyingEvent:
    return QualifyingEvent(
        event_id=event.event_id,
        type=event.type,
        user=user,
        occurred_at=event.occurred_at or now,
        received_at=now,
        data={} if user.is_gone else event.data,
        content_hash=event.content_hash,
        source=source,
    )


def _insert(rows: list[QualifyingEvent]) -> set[str]:
    """Insert the rows whose ids are not known, and return those ids.

    In the order of the ids, so that two batches that share some wait for each other in one
    direction only.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                [row.event_id for row in rows],
                [row.type for row in rows],
                [row.user_id for row in rows],
                [row.occurred_at for row in rows],
                [row.received_at for row in rows],
                [json.dumps(row.data) for row in rows],
                [row.content_hash for row in rows],
                [row.source for row in rows],
            ],
        )
        return {event_id for (event_id,) in cursor.fetchall()}


_INSERT = """
INSERT INTO referrals_qualifyingevent
    (event_id, type, user_id, occurred_at, received_at, data, content_hash, source)
SELECT event_id, type, user_id, occurred_at, received_at, data::jsonb, content_hash, source
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],
            %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS e (event_id, type, user_id, occurred_at, received_at, data, content_hash,
                          source, n)
ORDER BY event_id, n
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""


def _known(event_ids: set[str]) -> dict[str, QualifyingEvent]:
    if not event_ids:
        return {}
    return {row.event_id: row for row in QualifyingEvent.objects.filter(event_id__in=event_ids)}


def _attributions_that_count(people: Iterable[int]) -> dict[int, Attribution]:
    """Lock the attributions of these people and return the one that counts of each, with its terms.

    That is the live one or, where staff or the rules have ended them all, the latest.
    """
    received = (
        Attribution.objects.with_names()
        .filter(referee__in=people)
        .order_by("claimed_at", "pk")
        .select_for_update(of=("self",), no_key=True)
    )
    in_order = sorted(received, key=lambda a: (a.is_live, a.claimed_at, a.pk))
    return {attribution.referee_id: attribution for attribution in in_order}


def _lock_late_referrers(attributions: Iterable[Attribution], locked: Iterable[User]) -> None:
    """Lock referrers to whom staff moved an attribution while we waited for its referee.

    Out of the order of locks, for once: they could not be known before.
    """
    known = {user.pk for user in locked}
    late = [a for a in attributions if a.status == Status.PENDING and a.referrer_id not in known]
    if late:
        referrers = lock_people(*(attribution.referrer_id for attribution in late))
        for attribution in late:
            attribution.referrer = referrers[attribution.referrer_id]


def _first_of_each(rows: list[QualifyingEvent]) -> list[QualifyingEvent]:
    """Drop what repeats an id: the first row with it is the one that was inserted."""
    firsts: dict[str, QualifyingEvent] = {}
    for row in rows:
        firsts.setdefault(row.event_id, row)
    return list(firsts.values())


class Place(NamedTuple):
    """The how-manieth of its person and type an event is, in all and of this day (UTC)."""

    in_all: int
    today: int


def _places(rows: list[QualifyingEvent], now: datetime) -> dict[str, Place]:
    """Return, by event id, the place of each new row."""
    if not rows:
        return {}
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    totals = (
        QualifyingEvent.objects.filter(
            user__in={row.user_id for row in rows}, type__in={row.type for row in rows}
        )
        .values_list("user", "type")
        .annotate(total=Count("pk"), today=Count("pk", filter=Q(received_at__gte=midnight)))
    )
    last = {(user, type_): Place(total, today) for user, type_, total, today in totals}
    places = {}
    for row in reversed(rows):
        place = places[row.event_id] = last[row.user_id, row.type]
        last[row.user_id, row.type] = Place(place.in_all - 1, place.today - 1)
    return places


def _qualify(
    row: QualifyingEvent, attribution: Attribution | None, count: int, now: datetime
) -> None:
    if attribution is not None and _qualifies(attribution, row, count):
        reason = f"Event {row.event_id}: number {count} of {row.type}."
        qualify(attribution, actor=f"service:{row.source}", reason=reason, now=now)


def _pay_rules(rows: list[QualifyingEvent], places: dict[str, Place], now: datetime) -> None:
    """Pay the reward rules whose thresholds these events reach."""
    if not rows:
        return
    occasions = [
        rewards.Occasion(
            user_id=row.user_id,
            trigger=row.type,
            count=places[row.event_id].in_all,
            count_today=places[row.event_id].today,
            reference=f"event:{row.event_id}",
        )
        for row in rows
    ]
    rewards.pay_occasions(occasions=occasions, now=now)


def _qualifies(attribution: Attribution, row: QualifyingEvent, count: int) -> bool:
    return (
        attribution.status == Status.PENDING
        and row.type == attribution.terms.qualifying_event_type
        and is_due(attribution, count)
    )
