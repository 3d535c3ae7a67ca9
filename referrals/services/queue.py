"""The held queue: attributions that wait to be decided, each with the evidence to decide it by."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from backoffice.records import is_by_staff
from referrals.models import LIVE_STATUSES, Attribution, Decision, Status, TimelineEntry
from referrals.models.attributions import AttributionQuerySet, raised
from referrals.rules import Verdict, is_disposable, mailbox, reason_told
from rewards.amounts import Amounts

PAGE = 25
COUNTED = 500
"""Evidence is counted this far; more of it would decide nothing."""

AGE_RULE = "account_is_new"
RULES = {
    "devices_differ": gettext_lazy("Same device"),
    "mailboxes_differ": gettext_lazy("Same mailbox"),
    "mailbox_is_lasting": gettext_lazy("Disposable e-mail domain"),
    "referrer_is_not_hurried": gettext_lazy("Many claims for one referrer"),
    "address_is_not_hurried": gettext_lazy("Many claims from one network address"),
    AGE_RULE: gettext_lazy("Age of the account not known"),
}
"""What can hold a claim, for people."""


class Waiting(StrEnum):
    """What a held attribution waits for; it may be both."""

    REVIEW = "review"
    AGE = "age"


class Position(NamedTuple):
    """A place in the queue, behind this attribution."""

    claimed_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that did not pass, and what it said."""

    rule: str
    verdict: str
    text: str

    @property
    def label(self) -> str:
        return str(RULES.get(self.rule, self.rule.replace("_", " ")))


class Holding(NamedTuple):
    """When, by whom and why an attribution came to be held; the last time, if it was twice."""

    at: datetime
    actor: str
    reason: str

    @property
    def is_by_staff(self) -> bool:
        """Whether staff reopened or moved it, so that their words tell more than the rules."""
        return is_by_staff(self.actor)


@dataclass(frozen=True, slots=True)
class SharedDevice:
    """A device that both have used, and since when each."""

    device_id: UUID
    referee_since: datetime
    referrer_since: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is counted around a claim, none beyond `COUNTED`.

    `from_address` are other people's claims from the network address on the day of this one, for as
    long as the address' hash is kept; `None` after that.
    """

    in_hour: int
    in_day: int
    from_address: int | None
    from_address_for_referrer: int | None
    events: int


@dataclass(frozen=True, slots=True)
class Record:
    """What became of the referrer's invitations, the newest `COUNTED` of them."""

    invited: int = 0
    rewarded: int = 0
    held: int = 0
    rejected: int = 0
    reversed: int = 0

    @property
    def is_cut(self) -> bool:
        return self.invited + self.rejected + self.reversed >= COUNTED


@dataclass(frozen=True, slots=True)
class Payment:
    """What an approval brings one side, and when."""

    user: User
    amounts: Amounts
    when: str


@dataclass(frozen=True, slots=True)
class Case:
    """A held attribution with all that speaks for and against it."""

    attribution: Attribution
    holding: Holding
    reasons: list[Reason]
    devices: list[SharedDevice]
    numbers: Numbers
    record: Record
    payments: list[Payment]

    @property
    def position(self) -> Position:
        return Position(self.attribution.claimed_at, self.attribution.pk)

    @property
    def has_one_mailbox(self) -> bool:
        """Whether both e-mail addresses are known and lead to one mailbox."""
        referee = mailbox(self.attribution.referee.email)
        return bool(referee) and referee == mailbox(self.attribution.referrer.email)

    @property
    def is_disposable(self) -> bool:
        return is_disposable(self.attribution.referee.email)


def held_attributions(*, waiting: str = "", rule: str = "") -> AttributionQuerySet:
    """Return the queue, the oldest first: all of it, or what waits for that, held by that rule."""
    held = Attribution.objects.filter(status=Status.HELD).order_by("claimed_at", "id")
    if waiting == Waiting.AGE or rule == AGE_RULE:
        held = held.filter(awaits_age=True)
    if waiting == Waiting.REVIEW:
        held = held.filter(awaits_review=True)
    if rule and rule != AGE_RULE:
        held = held.filter(
            Exists(Decision.objects.filter(raised(rule), attribution=OuterRef("pk")))
        )
    return held


def held_cases(
    *,
    waiting: str = "",
    rule: str = "",
    after: Position | None = None,
    now: datetime,
    limit: int = PAGE,
) -> tuple[list[Case], bool]:
    """Return a page of the queue with its evidence, and whether there is more behind it.

    Costs the same few queries however many there are.
    """
    held = held_attributions(waiting=waiting, rule=rule)
    if after is not None:
        # The first condition alone bounds the walk along the index.
        held = held.filter(claimed_at__gte=after.claimed_at).filter(
            Q(claimed_at__gt=after.claimed_at) | Q(id__gt=after.id)
        )
    # The walk first, the joins after it: together they would be planned the other way round.
    found = list(held.values_list("id", flat=True)[: limit + 1])
    rows = Attribution.objects.with_names().filter(pk__in=found[:limit])
    return _cases(list(rows.order_by("claimed_at", "id")), now), len(found) > limit


def _cases(attributions: list[Attribution], now: datetime) -> list[Case]:
    ids = [attribution.pk for attribution in attributions]
    reasons, holdings = _reasons(attributions), _holdings(ids)
    devices, numbers = _shared_devices(ids), _numbers(ids)
    records = _records({attribution.referrer_id for attribution in attributions})
    return [
        Case(
            attribution=attribution,
            holding=holdings.get(attribution.pk, Holding(attribution.claimed_at, "", "")),
            reasons=reasons[attribution.pk],
            devices=devices[attribution.pk],
            numbers=numbers[attribution.pk],
            record=records.get(attribution.referrer_id, Record()),
            payments=payments_of(attribution, events=numbers[attribution.pk].events, now=now),
        )
        for attribution in attributions
    ]


def _reasons(attributions: Iterable[Attribution]) -> dict[UUID, list[Reason]]:
    """Return what each attribution is held for, from all its decisions, every rule once."""
    held = {attribution.pk: attribution for attribution in attributions}
    found: dict[UUID, dict[str, Reason]] = defaultdict(dict)
    for decision in Decision.objects.filter(attribution__in=held).order_by("pk"):
        attribution = held[decision.attribution_id]  # type: ignore[index]  # asked for by it
        for evaluation in decision.evaluations:
            if _still_holds(evaluation, attribution):
                found[attribution.pk][evaluation["rule"]] = Reason(
                    evaluation["rule"], evaluation["verdict"], reason_told(evaluation)
                )
    return defaultdict(list, {id_: list(reasons.values()) for id_, reasons in found.items()})


def _still_holds(evaluation: dict[str, Any], attribution: Attribution) -> bool:
    if evaluation["verdict"] == Verdict.UNKNOWN:  # answered since, unless it still waits
        return attribution.awaits_age
    return bool(evaluation["verdict"] != Verdict.PASS)


def _holdings(ids: Sequence[UUID]) -> dict[UUID, Holding]:
    entries = TimelineEntry.objects.filter(attribution__in=ids, to_status=Status.HELD)
    return {
        entry.attribution_id: Holding(entry.at, entry.actor, entry.reason)
        for entry in entries.order_by("pk")
    }


def _shared_devices(ids: Sequence[UUID]) -> dict[UUID, list[SharedDevice]]:
    shared: dict[UUID, list[SharedDevice]] = defaultdict(list)
    for id_, *device in _rows(_DEVICES, ids=ids):
        shared[id_].append(SharedDevice(*device))
    return shared


_DEVICES = """
SELECT held.id, theirs.device_id, theirs.first_seen_at, referrers.first_seen_at
FROM referrals_attribution AS held
JOIN referrals_userdevice AS theirs ON theirs.user_id = held.referee_id
JOIN referrals_userdevice AS referrers
    ON referrers.user_id = held.referrer_id AND referrers.device_id = theirs.device_id
WHERE held.id = ANY(%(ids)s)
ORDER BY held.id, theirs.first_seen_at
"""


def _numbers(ids: Sequence[UUID]) -> dict[UUID, Numbers]:
    return {id_: Numbers(*counts) for id_, *counts in _rows(_NUMBERS, ids=ids, counted=COUNTED)}


# The hash of an address is another one each day, so those that are alike are of one day.
_NUMBERS = """
SELECT held.id,
    (SELECT count(*) FROM (
        SELECT FROM referrals_attribution AS other
        WHERE other.referrer_id = held.referrer_id AND other.id <> held.id
          AND other.claimed_at > held.claimed_at - interval '1 hour'
          AND other.claimed_at <= held.claimed_at
        LIMIT %(counted)s) AS an_hour),
    (SELECT count(*) FROM (
        SELECT FROM referrals_attribution AS other
        WHERE other.referrer_id = held.referrer_id AND other.id <> held.id
          AND other.claimed_at > held.claimed_at - interval '24 hours'
          AND other.claimed_at <= held.claimed_at
        LIMIT %(counted)s) AS a_day),
    CASE WHEN came.address_hash IS NOT NULL THEN near.claims END,
    CASE WHEN came.address_hash IS NOT NULL THEN near.for_referrer END,
    (SELECT count(*) FROM (
        SELECT FROM referrals_qualifyingevent AS event
        WHERE event.user_id = held.referee_id AND event.type = terms.qualifying_event_type
        LIMIT terms.qualifying_event_count) AS needed)
FROM referrals_attribution AS held
JOIN referrals_programterms AS terms ON terms.id = held.terms_id
LEFT JOIN LATERAL (
    SELECT address_hash FROM referrals_decision
    WHERE attribution_id = held.id AND address_hash <> '' LIMIT 1
) AS came ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS claims,
        count(*) FILTER (WHERE referrer_id = held.referrer_id) AS for_referrer
    FROM (
        SELECT other.referrer_id FROM referrals_decision AS other
        WHERE other.address_hash = came.address_hash AND other.address_hash <> ''
          AND other.referee_id <> held.referee_id
        LIMIT %(counted)s) AS others
) AS near ON true
WHERE held.id = ANY(%(ids)s)
"""


def _records(referrers: Iterable[int]) -> dict[int, Record]:
    rows = _rows(
        _RECORDS,
        referrers=list(referrers),
        counted=COUNTED,
        live=[str(status) for status in LIVE_STATUSES],
    )
    return {referrer: Record(*counts) for referrer, *counts in rows}


_RECORDS = """
SELECT referrer.id,
    count(*) FILTER (WHERE made.status = ANY(%(live)s)),
    count(*) FILTER (WHERE made.status = 'rewarded'),
    count(*) FILTER (WHERE made.status = 'held'),
    count(*) FILTER (WHERE made.status = 'rejected'),
    count(*) FILTER (WHERE made.status = 'reversed')
FROM unnest(%(referrers)s::bigint[]) AS referrer (id)
CROSS JOIN LATERAL (
    SELECT status FROM referrals_attribution
    WHERE referrer_id = referrer.id ORDER BY claimed_at DESC, id DESC LIMIT %(counted)s
) AS made
GROUP BY referrer.id
"""


def _rows(statement: str, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def payments_of(attribution: Attribution, *, events: int, now: datetime) -> list[Payment]:
    """Return what an approval at `now` would bring both sides, and when.

    `events` is the number of the referee's qualifying events so far, as far as they are needed. A
    side to which the terms promise nothing is left out.
    """
    terms = attribution.terms
    to_come = max(terms.qualifying_event_count - events, 0)
    for_referrer = _when_referrer_is_paid(attribution, to_come, now)
    sides = (
        Payment(attribution.referee, terms.referee_amounts, _("at once")),
        Payment(attribution.referrer, terms.referrer_amounts, for_referrer),
    )
    return [payment for payment in sides if payment.amounts]


def _when_referrer_is_paid(attribution: Attribution, to_come: int, now: datetime) -> str:
    terms = attribution.terms
    if attribution.referrer.is_gone:
        return _("not while the account is deleted or banned")
    told = {"count": to_come, "event": terms.qualifying_event_type, "days": terms.hold_days}
    if to_come and terms.hold_days:
        return _("%(days)d days after %(count)d × %(event)s of the referee") % told
    if to_come:
        return (
            ngettext(
                "after %(count)d more %(event)s of the referee",
                "after %(count)d more %(event)s of the referee",
                to_come,
            )
            % told
        )
    if terms.hold_days:
        release = timezone.localtime(now + terms.hold)
        return _("on %(date)s, after a hold of %(days)d days") % {
            "date": date_format(release, "DATE_FORMAT"),
            **told,
        }
    return _("at once")
