"""Days of the funnel that are over stay as they were counted, for every program."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from referrals.models import Attribution, Capture, FunnelDay, Program, ReferralCode
from referrals.services.corrections import move_to_referrer, undo_move
from referrals.services.funnel import (
    Slice,
    Steps,
    close_funnel_days,
    count_by_day,
    funnel_by_day,
)
from rewards.days import days_over, midnights_until
from tests.commands import run
from tests.database import read_only
from tests.factories import (
    AttributionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    TermsFactory,
    default_program,
)
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = [MONDAY + number * DAY for number in range(4)]
WEDNESDAY_NOON = MONDAY + 2.5 * DAY


def funnel(now: datetime = WEDNESDAY_NOON, **of: Any) -> list[Steps]:
    return funnel_by_day(midnights=DAYS, now=now, of=Slice(**of))


def campus() -> Program:
    program = Program.objects.create(slug="campus", name="Campus")
    TermsFactory(program=program, version=1)
    return program


def some_steps(program: Program, *, at: datetime, times: int = 1) -> None:
    code = ReferralCodeFactory(program=program)
    for _ in range(times):
        CaptureFactory(code=code, first_opened_at=at, adopted_at=at)
        terms = program.terms.latest("version")
        AttributionFactory(code=code, terms=terms, claimed_at=at)


def test_today_is_counted_each_time_and_days_before_once() -> None:
    for day in range(3):
        CaptureFactory(first_opened_at=DAYS[day])
    assert [day.opened for day in funnel()] == [1, 1, 1]
    for day in range(3):
        CaptureFactory(first_opened_at=DAYS[day])
    assert [day.opened for day in funnel()] == [1, 1, 2]
    assert FunnelDay.objects.count() == 2


def test_one_look_keeps_the_days_of_every_program() -> None:
    some_steps(campus(), at=DAYS[0])
    some_steps(default_program(), at=DAYS[0], times=2)
    some_steps(default_program(), at=DAYS[2], times=3)
    one, two, three = (Steps(n, n, n) for n in (1, 2, 3))
    for _ in ("counted and kept", "kept"):
        assert funnel(program=campus_again()) == [one, Steps(), Steps()]
        assert funnel(program=default_program()) == [two, Steps(), three]
        assert funnel() == [three, Steps(), three]
        assert FunnelDay.objects.count() == 4


def campus_again() -> Program:
    return Program.objects.get(slug="campus")


def test_a_second_look_is_cheaper_and_reads_nothing_of_days_before() -> None:
    with statements() as first:
        funnel()
    with statements() as second:
        funnel()
    assert (len(first), len(second)) == (5, 2)
    with statements() as only_kept:
        funnel_by_day(midnights=DAYS[:3], now=WEDNESDAY_NOON)
    assert len(only_kept) == 1


def test_a_program_made_later_has_nothing_on_days_before() -> None:
    funnel()
    made = campus()
    with statements() as sent:
        assert funnel(program=made) == [Steps()] * 3
    assert len(sent) <= 3
    some_steps(made, at=DAYS[2])
    assert funnel(program=made)[-1] == Steps(1, 1, 1)
    assert funnel(now=DAYS[3] + DAY / 2, program=made)[-1] == Steps(1, 1, 1)


def test_of_one_code_everything_is_counted_each_time() -> None:
    code = ReferralCodeFactory()
    for opened in (1, 2):
        CaptureFactory(code=code, first_opened_at=DAYS[0])
        assert funnel(code=code)[0].opened == opened
    assert not FunnelDay.objects.exists()


def test_the_clean_up_of_captures_changes_no_day_that_was_counted() -> None:
    CaptureFactory(first_opened_at=DAYS[0], adopted_at=DAYS[1], expires_at=DAYS[2])
    before = funnel()
    assert before[:2] == [Steps(opened=1), Steps(adopted=1)]
    assert run("cleanup_captures", "--apply")["rows"]["expired_captures"] == 1
    assert not Capture.objects.exists()
    assert funnel() == before


def test_a_move_and_its_undoing_change_no_day_that_was_counted(
    noks_code: str, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    Browser().sign_in(mali).me()
    Browser().sign_in(ploy).claim(noks_code)
    made = attribution_of(ploy)
    Attribution.objects.filter(pk=made.pk).update(claimed_at=DAYS[0])
    assert funnel(now=DAYS[1] + DAY / 2)[0].claimed == 1

    malis_code = ReferralCode.objects.get(owner=user_of(mali))
    why = {"actor": "staff:aree", "reason": "Mali invited her"}
    move_to_referrer(Attribution.objects.get(), code=malis_code, now=DAYS[1], **why)
    assert count_by_day(midnights=DAYS)[:2] == [Steps(claimed=1), Steps()]

    # Both qualify, each in its turn: Mali's on Tuesday, and Nok's when it is brought back.
    back_end.report(ploy)
    Attribution.objects.live().update(qualified_at=DAYS[1], rewarded_at=DAYS[1])
    tuesday = funnel(now=DAYS[2] + DAY / 4)[1]
    assert tuesday == Steps(qualified=1, rewarded=1)
    assert FunnelDay.objects.count() == 2
    undo_move(Attribution.objects.live().get(), now=DAYS[2] + DAY / 2, **why)
    assert Attribution.objects.filter(qualified_at__isnull=False).count() == 2
    assert count_by_day(midnights=DAYS) == [Steps(claimed=1), tuesday, Steps()]
    assert funnel() == [Steps(claimed=1), tuesday, Steps()]


def test_days_are_closed_without_being_looked_at() -> None:
    CaptureFactory(first_opened_at=DAYS[0])
    assert close_funnel_days(midnights=DAYS, now=WEDNESDAY_NOON) == 2
    CaptureFactory(first_opened_at=DAYS[0])
    assert close_funnel_days(midnights=DAYS, now=WEDNESDAY_NOON) == 0
    assert funnel()[0].opened == 1
    assert close_funnel_days(midnights=DAYS, now=WEDNESDAY_NOON, again=True) == 2
    assert funnel()[0].opened == 2


def test_the_command_closes_what_the_dashboard_shows() -> None:
    now = timezone.now()
    over = len(days_over(midnights_until(now, days=90), now))  # 88 in the hour after midnight
    assert run("close_days") == {"funnel_days": over, "issued_days": over}
    assert run("close_days") == {"funnel_days": 0, "issued_days": 0}
    assert run("close_days", "--again") == {"funnel_days": over, "issued_days": over}
    assert over in (88, 89)


def test_where_nothing_can_be_written_everything_is_counted() -> None:
    CaptureFactory(first_opened_at=DAYS[0])
    with read_only():
        assert [day.opened for day in funnel()] == [1, 0, 0]
    assert not FunnelDay.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_may_close_the_same_days_at_once() -> None:
    some_steps(campus(), at=DAYS[0])
    some_steps(default_program(), at=DAYS[1])
    looks = at_once(funnel, funnel, lambda: funnel(now=DAYS[1] + DAY / 2), funnel)
    assert looks == [[Steps(1, 1, 1), Steps(1, 1, 1), Steps()]] * 4
    assert FunnelDay.objects.count() == 4
    assert funnel() == looks[0]
