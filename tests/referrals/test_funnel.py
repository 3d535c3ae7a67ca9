"""How far invitations come, by day, program and code; who brings most; what waits."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from referrals.models import Attribution, FunnelDay, Program, ReferralCode, Status
from referrals.services.attributions import reverse_attribution
from referrals.services.corrections import move_to_referrer, undo_move
from referrals.services.funnel import (
    EVERYTHING,
    Slice,
    Steps,
    count_by_day,
    funnel_by_day,
    held_queue,
    top_referrers,
)
from rewards.amounts import Amounts
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    TermsFactory,
    default_program,
)
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
DAYS = [MONDAY + timedelta(days=number) for number in range(4)]


def today() -> list[datetime]:
    begins = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return [begins, begins + timedelta(days=1)]


def funnel(midnights: list[datetime], of: Slice = EVERYTHING) -> list[Steps]:
    """Return what is counted, which is what is kept once the days are over; then forget that."""
    counted = count_by_day(midnights=midnights, of=of)
    assert funnel_by_day(midnights=midnights, now=midnights[0], of=of) == counted
    assert not FunnelDay.objects.exists()
    for _ in ("counted and kept", "kept"):
        assert funnel_by_day(midnights=midnights, now=LATER, of=of) == counted
    assert FunnelDay.objects.exists() is not bool(of.code)
    FunnelDay.objects.all().delete()
    return counted


def campus() -> Program:
    """A second program, with a code of its own."""
    program = Program.objects.create(slug="campus", name="Campus")
    TermsFactory(program=program, version=1)
    return program


def test_an_invitation_takes_every_step(noks_code: str, ploy: Person, back_end: BackEnd) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    assert funnel(today()) == [Steps(opened=1)]
    browser.sign_in(ploy).me()
    assert funnel(today()) == [Steps(opened=1, adopted=1)]
    browser.claim()
    assert funnel(today()) == [Steps(opened=1, adopted=1, claimed=1)]
    back_end.report(ploy)
    assert funnel(today()) == [Steps(1, 1, 1, 1, 1)]


def test_an_attribution_that_was_moved_counts_once(
    noks_code: str, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    Browser().sign_in(mali).me()
    Browser().sign_in(ploy).claim(noks_code)
    back_end.report(ploy)
    done = {"actor": "staff:aree", "reason": "Mali invited her", "now": timezone.now()}
    before = funnel(today())

    malis_code = ReferralCode.objects.get(owner=user_of(mali))
    move_to_referrer(attribution_of(ploy), code=malis_code, **done)
    assert funnel(today()) == before
    undo_move(Attribution.objects.live().get(), **done)
    assert funnel(today()) == before


def test_a_code_opened_while_signed_in_is_adopted_at_once(noks_code: str, ploy: Person) -> None:
    Browser().sign_in(ploy).open_link(noks_code)
    assert funnel(today()) == [Steps(opened=1, adopted=1)]


def test_each_step_counts_on_its_own_day() -> None:
    CaptureFactory(
        first_opened_at=MONDAY + timedelta(hours=23, minutes=59),
        adopted_at=MONDAY + timedelta(days=1),
    )
    AttributionFactory(claimed_at=MONDAY + timedelta(days=2, hours=1))
    assert funnel(DAYS) == [Steps(opened=1), Steps(adopted=1), Steps(claimed=1)]


def test_what_happened_outside_the_days_is_left_out() -> None:
    for moment in (DAYS[0] - timedelta(seconds=1), DAYS[-1]):
        CaptureFactory(first_opened_at=moment, adopted_at=moment)
        AttributionFactory(claimed_at=moment)
    assert funnel(DAYS) == [Steps(), Steps(), Steps()]


def test_a_day_may_have_twenty_three_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    midnights = [datetime(2026, 3, day, tzinfo=berlin) for day in (28, 29, 30)]
    CaptureFactory(browser_session=BrowserSessionFactory(), user=None,
                   first_opened_at=datetime(2026, 3, 29, 21, 59, tzinfo=UTC))  # fmt: skip
    CaptureFactory(browser_session=BrowserSessionFactory(), user=None,
                   first_opened_at=datetime(2026, 3, 29, 22, 0, tzinfo=UTC))  # fmt: skip
    assert funnel(midnights) == [Steps(), Steps(opened=1)]


def test_the_funnel_is_told_by_program_and_by_code() -> None:
    of_campus = ReferralCodeFactory(program=campus())
    of_nok, of_aroon = ReferralCodeFactory(), ReferralCodeFactory()
    for code, times in ((of_campus, 1), (of_nok, 2), (of_aroon, 3)):
        for _ in range(times):
            CaptureFactory(code=code, first_opened_at=MONDAY)
            AttributionFactory(
                code=code, claimed_at=MONDAY, terms=code.program.terms.latest("version")
            )

    def claimed(**of: Any) -> tuple[int, int, int]:
        day = funnel(DAYS[:2], of=Slice(**of))[0]
        return day.opened, day.adopted, day.claimed

    assert claimed() == (6, 6, 6)
    assert claimed(program=of_campus.program) == (1, 1, 1)
    assert claimed(program=default_program()) == (5, 5, 5)
    assert claimed(code=of_nok) == (2, 2, 2)
    assert claimed(program=default_program(), code=of_aroon) == (3, 3, 3)
    assert claimed(program=default_program(), code=of_campus) == (0, 0, 0)


@pytest.mark.parametrize(
    ("of", "queries"),
    [(EVERYTHING, 1), (Slice(program=Program(pk=7, is_default=True)), 2)],
    ids=["everything", "a program, whose terms are asked for"],
)
def test_to_count_costs_one_query(of: Slice, queries: int) -> None:
    with statements() as sent:
        count_by_day(midnights=DAYS, of=of)
    assert len(sent) == queries


def test_who_had_most_invitations_claimed_comes_first() -> None:
    codes = [ReferralCodeFactory() for _ in range(11)]
    for number, code in enumerate(codes):
        for _ in range(number + 1):
            AttributionFactory(code=code, claimed_at=MONDAY)
    AttributionFactory(code=codes[0], claimed_at=MONDAY - timedelta(days=1))
    top = top_referrers(begins=DAYS[0], ends=DAYS[1])
    assert [row.claimed for row in top] == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert top[0].user == codes[-1].owner
    assert {row.rewarded for row in top} == {0}


def test_top_referrers_earned_what_the_ledger_says_less_what_was_taken_back(
    noks_code: str, nok: Person, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    for person in (ploy, mali):
        Browser().sign_in(person).claim(noks_code)
        back_end.report(person)
    begins, ends = today()
    (top,) = top_referrers(begins=begins, ends=ends)
    assert (top.user, top.claimed, top.rewarded) == (user_of(nok), 2, 2)
    assert top.earned == Amounts(coins=100)
    reverse_attribution(
        attribution=attribution_of(mali), actor="staff:aree", reason="Again", now=timezone.now()
    )
    assert top_referrers(begins=begins, ends=ends)[0].earned == Amounts(coins=50)
    of_code = Slice(code=ReferralCode.objects.get(code=noks_code))
    assert len(top_referrers(begins=begins, ends=ends, of=of_code)) == 1
    assert top_referrers(begins=begins, ends=ends, of=Slice(program=campus())) == []


def test_the_held_queue_tells_how_many_wait_since_when() -> None:
    assert held_queue() == (0, None)
    for day in (1, 0, 2):
        AttributionFactory(claimed_at=DAYS[day])
    assert held_queue() == (3, MONDAY)
    Attribution.objects.update(status=Status.REJECTED)
    assert held_queue() == (0, None)
