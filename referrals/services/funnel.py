"""Read how far invitations come: opened, adopted, claimed, qualified, rewarded; and what waits.

A step is counted on the day on which it happened, whatever became of it later. A code opened by
somebody who is signed in is theirs at once: it counts as adopted when it is opened.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from django.db.models.functions import Greatest

from accounts.models import User
from referrals.models import (
    Attribution,
    Capture,
    FunnelDay,
    Program,
    ProgramTerms,
    ReferralCode,
    Status,
)
from referrals.services.payments import REFERRER_KIND
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.days import ClosedDays, Day, bounds_of, days_over

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


def funnel_by_day(
    *, midnights: Sequence[datetime], now: datetime, of: Slice = EVERYTHING
) -> list[Steps]:
    """Return how many invitations took each step between every two `midnights`.

    Days that are over at `now` are read from what is kept of them, or counted and kept; they stay
    as they were counted. Only those of one code are counted anew each time.
    """
    if of.code:
        return count_by_day(midnights=midnights, of=of)
    over = days_over(midnights, now)
    kept = FUNNEL_DAYS.of(over)
    return [
        *(_of_program(kept[day], of.program) for day in over),
        *count_by_day(midnights=midnights[len(over) :], of=of),
    ]


def close_funnel_days(*, midnights: Sequence[datetime], now: datetime, again: bool = False) -> int:
    """Keep the counts of the days that are over and not kept, or of all; return how many."""
    return FUNNEL_DAYS.close(days_over(midnights, now), again=again)


def count_by_day(*, midnights: Sequence[datetime], of: Slice = EVERYTHING) -> list[Steps]:
    """Count each step between every two `midnights`, in one query that indexes by time bound.

    Of a program, its terms are asked for beforehand.
    """
    days: list[dict[str, int]] = [{} for _ in midnights[1:]]
    if days:
        for step, day, _program, total in _counted(_counts(midnights, of)):
            days[day - 1][step] = days[day - 1].get(step, 0) + total
    return [Steps(**steps) for steps in days]


ByProgram = dict[int, Steps]


def _of_program(by_program: ByProgram, program: Program | None) -> Steps:
    if program is None:
        return Steps(*map(sum, zip(*by_program.values(), strict=True)))
    return by_program.get(program.pk, Steps())  # one that is younger than the count


def _count_by_program(days: Sequence[Day]) -> dict[Day, ByProgram]:
    """Count each step of every program on each of `days`; two queries."""
    bounds = bounds_of(days)
    programs = Program.objects.order_by("pk").values_list("pk", flat=True)
    found = {day.begins_at: {program: Counter[str]() for program in programs} for day in days}
    for step, number, program, total in _counted(_counts(bounds, EVERYTHING, by_program=True)):
        if bounds[number - 1] in found:
            found[bounds[number - 1]].setdefault(program, Counter())[step] += total
    return {
        day: {program: Steps(**steps) for program, steps in found[day.begins_at].items()}
        for day in days
    }


def _write(counted: Mapping[Day, ByProgram]) -> list[FunnelDay]:
    return [
        FunnelDay(
            begins_at=day.begins_at, ends_at=day.ends_at, program_id=program, **steps._asdict()
        )
        for day, by_program in counted.items()
        for program, steps in by_program.items()
    ]


def _read(rows: Iterable[FunnelDay]) -> ByProgram:
    return {row.program_id: Steps(*(getattr(row, step) for step in Steps._fields)) for row in rows}


FUNNEL_DAYS = ClosedDays(FunnelDay.objects.all(), count=_count_by_program, write=_write, read=_read)


def _counted(counts: Iterable[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    first, *others = counts
    return first.union(*others, all=True)


def _counts(
    midnights: Sequence[datetime], of: Slice, *, by_program: bool = False
) -> Iterator[QuerySet[Any, Any]]:
    captures = _captures(of)
    at_once = captures.filter(adopted_at__isnull=True, user__isnull=False)
    attributions = _attributions(of)
    of_code = F("code__program") if by_program else Value(0)
    of_terms = F("terms__program") if by_program else Value(0)
    yield _by_day(captures, "opened", "first_opened_at", midnights, of_code)
    yield _by_day(at_once, "adopted", "first_opened_at", midnights, of_code)
    yield _by_day(captures, "adopted", "adopted_at", midnights, of_code)
    for step in ("claimed", "qualified", "rewarded"):
        moment = f"{step}_at"
        yield _by_day(attributions, step, moment, midnights, of_terms)
        yield _by_day(_twice(attributions, moment), step, "second_at", midnights, of_terms, each=-1)


def _twice(attributions: QuerySet[Attribution], moment: str) -> QuerySet[Attribution]:
    """Return those that staff moved to another referrer, if both took the step.

    Such a step was taken once, when the first of them took it: the later one is taken off on its
    own day, so that the counts of days that are over never change.
    """
    both = {f"{moment}__isnull": False, f"replaces__{moment}__isnull": False}
    return attributions.filter(replaces__isnull=False, **both).alias(
        second_at=Greatest(moment, f"replaces__{moment}")
    )


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
    if of.code:
        attributions = attributions.filter(code=of.code)
        return attributions.filter(terms__program=of.program) if of.program else attributions
    if of.program:
        # Asked beforehand: joined, the terms would be looked up for every row.
        terms = ProgramTerms.objects.filter(program=of.program).values_list("pk", flat=True)
        attributions = attributions.filter(terms__in=list(terms))
    return attributions


def _by_day(
    rows: QuerySet[Any],
    step: str,
    moment: str,
    midnights: Sequence[datetime],
    program: F | Value,
    *,
    each: int = 1,
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
        within.order_by().values_list(Value(step), day, program).annotate(total=Count("*") * each)
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
    attributions = _attributions(of)
    claimed = _by_referrer(attributions.filter(claimed_at__gte=begins, claimed_at__lt=ends))
    most = dict(claimed.order_by("-total", "referrer")[:MOST_REFERRERS])
    rewarded = dict(
        _by_referrer(
            attributions.filter(
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
