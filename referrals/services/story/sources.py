"""Read what a story is told from: a fixed number of queries, each by an index, each bounded."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    QualifyingEvent,
    TimelineEntry,
    UserDevice,
)
from rewards.models import Transaction

MOST = 50
"""How many rows of one kind a story is told from."""
MOST_ATTRIBUTIONS = 20
MOST_MOVES = 200
MOST_SESSIONS_OF_OTHERS = 20
MOST_EVENTS = 500

Row = TypeVar("Row", bound=Model)


@dataclass(slots=True)
class Sources:
    """All rows that say how `user` was invited and what came of it.

    `visits` are the browser sessions that the person took over, and those of others on the devices
    that the person uses; `captures` are in them, or were opened signed in.
    """

    user: User
    now: datetime
    attributions: list[Attribution]
    devices: list[UserDevice] = field(default_factory=list)
    visits: list[BrowserSession] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    moves: list[TimelineEntry] = field(default_factory=list)
    events: list[QualifyingEvent] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def latest(self) -> Attribution | None:
        """The live attribution, else the last one."""
        return max(self.attributions, key=lambda a: (a.is_live, a.claimed_at), default=None)

    @property
    def own_captures(self) -> list[Capture]:
        """What the person opened, before signing in or after."""
        return [capture for capture in self.captures if self.is_own(capture)]

    def is_own(self, capture: Capture) -> bool:
        session = capture.browser_session
        adopter = session.adopted_by_id if session else None
        return self.user.pk in (capture.user_id, adopter)

    def of(self, attribution_id: UUID) -> Attribution:
        """Return the one object of an attribution, with its names joined."""
        return next(a for a in self.attributions if a.pk == attribution_id)


def sources_of(*, user: User, now: datetime, about: Attribution | None = None) -> Sources:
    """Read the sources of the story of `user`, those of the attribution `about` in any case."""
    read = Sources(user=user, now=now, attributions=[])
    read.attributions = _attributions(read, about)
    read.devices = _devices(read)
    read.visits = _visits(read)
    read.captures = _captures(read)
    read.decisions = _decisions(read)
    read.moves = _moves(read)
    read.events = _events(read)
    read.transactions = _transactions(read)
    return read


def _newest(read: Sources, rows: QuerySet[Row], name: str, most: int = MOST) -> list[Row]:
    """Return the first `most` of ordered rows, and note if there are more."""
    found = list(rows[: most + 1])
    if len(found) > most:
        note = _("Of very many %(rows)s only %(most)d are told here: the newest.")
        read.left_out.append(note % {"rows": name, "most": most})
    return found[:most]


def _attributions(read: Sources, about: Attribution | None) -> list[Attribution]:
    received = Attribution.objects.with_names().select_related("capture")
    newest = received.filter(referee=read.user).order_by("-claimed_at")
    found = _newest(read, newest, _("attributions"), MOST_ATTRIBUTIONS)
    if about is not None and about not in found:
        found += received.filter(pk=about.pk)
    return found


def _devices(read: Sources) -> list[UserDevice]:
    """Read the devices, each with its newest browser sessions of others as `visits`.

    Device by device, in the order of an index: a public one has any number of them.
    """
    of_others = (
        BrowserSession.objects.filter(device_id=OuterRef("device_id"))
        .exclude(adopted_by=read.user)
        .order_by("-created_at")
        .values("pk")[: MOST_SESSIONS_OF_OTHERS + 1]
    )
    used = UserDevice.objects.filter(user=read.user).annotate(visits=ArraySubquery(of_others))
    return _newest(read, used.order_by("-id"), _("devices"))


def _visits(read: Sources) -> list[BrowserSession]:
    known = BrowserSession.objects.select_related("adopted_by").order_by("-created_at")
    own = _newest(read, known.filter(adopted_by=read.user), _("browser sessions"))
    ids = {id_ for device in read.devices for id_ in device.visits}  # type: ignore[attr-defined]
    of_others = known.filter(pk__in=ids)
    name = _("browser sessions of others on the same devices")
    return own + _newest(read, of_others, name, MOST_SESSIONS_OF_OTHERS)


def _captures(read: Sources) -> list[Capture]:
    opened = Capture.objects.select_related("code__owner", "browser_session__adopted_by")
    theirs = Q(user=read.user) | Q(browser_session__in=[visit.pk for visit in read.visits])
    found = _newest(read, opened.filter(theirs).order_by("-opened_at"), _("opened invitations"))
    used = [a.capture_id for a in read.attributions if a.capture_id]
    missing = set(used) - {capture.pk for capture in found}
    return found + list(opened.filter(pk__in=missing))


def _decisions(read: Sources) -> list[Decision]:
    judged = Decision.objects.select_related("referrer", "terms__program")
    tried = _newest(read, judged.filter(referee=read.user).order_by("-at"), _("claims"))
    deciding = judged.filter(attribution__in=read.attributions).order_by("-at")[:MOST_MOVES]
    by_id = {decision.pk: decision for decision in (*deciding, *tried)}
    return sorted(by_id.values(), key=lambda decision: decision.pk)


def _moves(read: Sources) -> list[TimelineEntry]:
    made = TimelineEntry.objects.filter(attribution__in=read.attributions).order_by("-id")
    return _newest(read, made, _("moves of attributions"), MOST_MOVES)[::-1]


def _events(read: Sources) -> list[QualifyingEvent]:
    """Read the first events: of the types that the terms count, where there are terms."""
    counted = {a.terms.qualifying_event_type for a in read.attributions}
    sent = QualifyingEvent.objects.filter(user=read.user)
    if counted:
        sent = sent.filter(type__in=counted)
    asked = max((a.terms.qualifying_event_count for a in read.attributions), default=0)
    most = min(max(MOST, asked), MOST_EVENTS)
    found = list(sent.order_by("received_at", "pk")[: most + 1])
    if len(found) > most:
        note = _("Of very many events only the first %(most)d are told here.")
        read.left_out.append(note % {"most": most})
    return found[:most]


def _transactions(read: Sources) -> list[Transaction]:
    references = [attribution.reference for attribution in read.attributions]
    paid = Transaction.objects.filter(reference__in=references)
    with_people: Any = paid.select_related("user", "reverses").prefetch_related("entries")
    return _newest(read, with_people.order_by("-created_at", "-id"), _("ledger transactions"))[::-1]


def by_visit(captures: list[Capture]) -> dict[UUID, list[Capture]]:
    """Return captures by the browser session in which they were opened."""
    opened = [capture for capture in captures if capture.browser_session_id]
    opened.sort(key=lambda capture: (str(capture.browser_session_id), capture.first_opened_at))
    groups = groupby(opened, key=lambda capture: capture.browser_session_id)
    return {id_: list(group) for id_, group in groups if id_}
