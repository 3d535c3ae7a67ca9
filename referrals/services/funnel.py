"""Read how far invitations come: opened, adopted, claimed, qualified, rewarded; and what waits.

A step is counted on the day on which it happened, whatever became of it later. A code opened by
somebody who is signed in is theirs at once: it counts as adopted when it is opened.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    IntegerField,
    Min,
    OuterRef,
    QuerySet,
    Value,
)

from accounts.models import User
from referrals.models import Attribution, Capture, Program, ReferralCode, Status
from referrals.services.payments import REFERRER_KIND
from rewards import services as rewards
from rewards.amounts import Amounts

MOST_REFERRERS = 10


class Steps(NamedTuple):
    """How many invitations took each step."""

    opened: int = 0
    adopted: int = 0
    claimed: int = 0
    qualified: int = 0
    rewarded: int = 0


class Slice(NamedTuple):
    """Which invitations are looked at: of one program, of one code, of all."""

    program: Program | None = None
    code: ReferralCode | None = None


EVERYTHING = Slice()


def funnel_by_day(*, midnights: Sequence[datetime], of: Slice = EVERYTHING) -> list[Steps]:
    """Count each step between every two `midnights`, in one query that indexes by time bound."""
    first, *others = _counts(midnights, of)
    days: list[dict[str, int]] = [{} for _ in midnights[1:]]
    for step, day, total in first.union(*others, all=True):
        days[day - 1][step] = days[day - 1].get(step, 0) + total
    return [Steps(**steps) for steps in days]


def _counts(midnights: Sequence[datetime], of: Slice) -> Iterator[QuerySet[Any, Any]]:
    captures = _captures(of)
    at_once = captures.filter(adopted_at__isnull=True, user__isnull=False)
    attributions = _attributions(of)
    yield _by_day(captures, "opened", "first_opened_at", midnights)
    yield _by_day(at_once, "adopted", "first_opened_at", midnights)
    yield _by_day(captures, "adopted", "adopted_at", midnights)
    for step in ("claimed", "qualified", "rewarded"):
        moment = f"{step}_at"
        yield _by_day(attributions, step, moment, midnights)
        # One that staff moved to another referrer stands twice: the first took the step before.
        again = attributions.filter(**{f"replaces__{moment}__isnull": False})
        yield _by_day(again, step, moment, midnights, each=-1)


def _captures(of: Slice) -> QuerySet[Capture]:
    captures = Capture.objects.all()
    if of.code:
        captures = captures.filter(code=of.code)
    if of.program is None:
        return captures
    if not of.program.is_default:
        return captures.filter(code__program=of.program)
    # Nearly every code is the default program's: it is quicker to leave out those of the others.
    others = Program.objects.exclude(pk=of.program.pk)
    return captures.exclude(
        Exists(ReferralCode.objects.filter(pk=OuterRef("code"), program__in=others))
    )


def _attributions(of: Slice) -> QuerySet[Attribution]:
    attributions = Attribution.objects.all()
    if of.program:
        attributions = attributions.filter(terms__program=of.program)
    return attributions.filter(code=of.code) if of.code else attributions


def _by_day(
    rows: QuerySet[Any], step: str, moment: str, midnights: Sequence[datetime], *, each: int = 1
) -> QuerySet[Any, Any]:
    """Count rows by the number of the midnight, from 1, after which their `moment` lies."""
    within = rows.filter(**{f"{moment}__gte": midnights[0], f"{moment}__lt": midnights[-1]})
    day = Func(
        F(moment),
        Value(list(midnights), output_field=ArrayField(DateTimeField())),
        function="width_bucket",
        output_field=IntegerField(),
    )
    counted: QuerySet[Any, Any] = (
        within.order_by().values_list(Value(step), day).annotate(total=Count("*") * each)
    )
    return counted


class TopReferrer(NamedTuple):
    """What somebody's invitations came to; `earned` is what the ledger paid, net of reversals."""

    user: User
    claimed: int
    rewarded: int
    earned: Amounts


def top_referrers(*, begins: datetime, ends: datetime, of: Slice = EVERYTHING) -> list[TopReferrer]:
    """Return who had the most invitations claimed from `begins` until before `ends`, at most ten.

    What they earned is of every program: the ledger does not know programs.
    """
    claimed = _by_referrer(_attributions(of).filter(claimed_at__gte=begins, claimed_at__lt=ends))
    most = dict(claimed.order_by("-total", "referrer")[:MOST_REFERRERS])
    rewarded = dict(
        _by_referrer(
            _attributions(of).filter(
                rewarded_at__gte=begins, rewarded_at__lt=ends, referrer__in=list(most)
            )
        )
    )
    people = User.objects.in_bulk(list(most))
    earned = rewards.earned_between(
        user_ids=list(most), kinds=[REFERRER_KIND], begins=begins, ends=ends
    )
    return [
        TopReferrer(people[pk], total, rewarded.get(pk, 0), earned.get(pk, Amounts()))
        for pk, total in most.items()
    ]


def _by_referrer(attributions: QuerySet[Attribution]) -> QuerySet[Any, Any]:
    counted: QuerySet[Any, Any] = (
        attributions.order_by().values_list("referrer").annotate(total=Count("*"))
    )
    return counted


class HeldQueue(NamedTuple):
    """How many attributions wait for a decision, and since when the first does."""

    waiting: int
    oldest_at: datetime | None


def held_queue() -> HeldQueue:
    """Return what is held now; one query, of the held ones' own index."""
    held = Attribution.objects.filter(status=Status.HELD)
    return HeldQueue(**held.aggregate(waiting=Count("*"), oldest_at=Min("claimed_at")))
