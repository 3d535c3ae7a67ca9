"""What days that are over came to is counted once, and read from then on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import User
from rewards.amounts import Amounts
from rewards.days import SETTLES_IN, midnights_until
from rewards.models import IssuedDay
from rewards.services import Issued, close_issued_days, grant, issued_by_kind
from tests.database import read_only
from tests.parallel import at_once
from tests.rewards.conftest import NOW
from tests.statements import statements

pytestmark = pytest.mark.django_db
LAST_DAYS = midnights_until(NOW, days=4)
MIDNIGHT = LAST_DAYS[-2]
DAY = timedelta(days=1)


@pytest.fixture
def nok(db: None) -> int:
    return User.objects.create(clerk_id="user_nok").pk


def give(user_id: int, *, at: datetime, coins: int = 1) -> None:
    amounts = Amounts(coins=coins)
    grant(user_id=user_id, amounts=amounts, kind="reward", key=f"{at} {coins}", now=at)


def coins(midnights: list[datetime] = LAST_DAYS, now: datetime = NOW) -> int:
    return sum(kind.net.coins for kind in issued_by_kind(midnights=midnights, now=now))


def test_days_that_are_over_are_kept_once_and_today_is_counted_each_time(nok: int) -> None:
    for day in range(4):
        give(nok, at=NOW - day * DAY)
    assert coins() == 4
    assert IssuedDay.objects.count() == 3
    give(nok, at=NOW, coins=2)
    give(nok, at=NOW - DAY, coins=4)  # as nothing but an import would
    assert coins() == 6
    assert IssuedDay.objects.count() == 3


def test_a_day_is_closed_when_what_was_slow_is_in(nok: int) -> None:
    give(nok, at=MIDNIGHT - DAY / 2)
    moment = timedelta(microseconds=1)
    for now, kept in ((MIDNIGHT + SETTLES_IN - moment, 2), (MIDNIGHT + SETTLES_IN, 3)):
        assert coins(now=now) == 1
        assert IssuedDay.objects.count() == kept


def test_what_is_kept_costs_less_and_however_many_days(nok: int) -> None:
    month = midnights_until(NOW, days=30)
    with statements() as first:
        coins()
    with statements() as second:
        coins()
    assert len(second) == 3  # what is kept, and two for today
    coins(month)
    with statements() as of_a_month:
        coins(month)
    assert len(of_a_month) == len(second) < len(first)


def test_days_of_nothing_are_known_to_be_counted() -> None:
    over = LAST_DAYS[:-1]
    assert issued_by_kind(midnights=over, now=NOW) == []
    with statements() as sent:
        assert issued_by_kind(midnights=over, now=NOW) == []
    assert len(sent) == 1


def test_a_day_that_is_missing_between_others_is_counted(nok: int) -> None:
    for day in (1, 2, 3):
        give(nok, at=NOW - day * DAY, coins=10**day)
    coins()
    IssuedDay.objects.filter(begins_at=LAST_DAYS[1]).delete()
    assert coins() == 1110
    assert IssuedDay.objects.count() == 3
    assert coins() == 1110
    IssuedDay.objects.exclude(begins_at=LAST_DAYS[1]).delete()
    assert coins() == 1110


def test_what_is_kept_says_all_that_was_counted(nok: int) -> None:
    amounts = Amounts(stars=1, free_points=2, coins=3, exp=10**15)
    grant(user_id=nok, amounts=amounts, kind="grant", key="g", now=NOW - DAY)
    for _ in ("counted and kept", "kept"):
        assert issued_by_kind(midnights=LAST_DAYS, now=NOW) == [Issued("grant", amounts, Amounts())]


def test_days_of_another_time_zone_are_others(nok: int) -> None:
    give(nok, at=MIDNIGHT - timedelta(minutes=1))
    assert coins() == 1
    in_bangkok = [
        midnight.replace(tzinfo=ZoneInfo("Asia/Bangkok")) + DAY for midnight in LAST_DAYS[:2]
    ]
    assert coins([*in_bangkok, in_bangkok[-1] + DAY]) == 0
    assert coins([in_bangkok[-1] + DAY, in_bangkok[-1] + 2 * DAY]) == 1
    assert coins() == 1


def test_days_are_as_long_as_the_clock_says(settings: object) -> None:
    settings.TIME_ZONE = "Europe/Berlin"  # type: ignore[attr-defined]
    now = datetime(2026, 3, 30, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    coins(midnights_until(now, days=3), now)
    days = IssuedDay.objects.order_by("begins_at")
    assert [(day.ends_at - day.begins_at) / timedelta(hours=1) for day in days] == [24, 23]


def test_where_nothing_can_be_written_everything_is_counted(
    nok: int, caplog: pytest.LogCaptureFixture
) -> None:
    give(nok, at=NOW - DAY)
    with read_only():
        assert [coins(), coins()] == [1, 1]
    assert "could not be kept" in caplog.text


def test_what_cannot_be_kept_is_an_error_for_who_wants_it_kept(nok: int) -> None:
    with read_only(), pytest.raises(DatabaseError, match="read-only"):
        close_issued_days(midnights=LAST_DAYS, now=NOW)


def test_days_are_closed_without_being_looked_at(nok: int) -> None:
    give(nok, at=NOW - DAY)
    assert close_issued_days(midnights=LAST_DAYS, now=NOW) == 3
    assert close_issued_days(midnights=LAST_DAYS, now=NOW) == 0
    give(nok, at=NOW - DAY, coins=4)
    assert coins() == 1
    assert close_issued_days(midnights=LAST_DAYS, now=NOW, again=True) == 3
    assert coins() == 5


@pytest.mark.parametrize("second", [(MIDNIGHT, MIDNIGHT + DAY), (MIDNIGHT, MIDNIGHT)])
def test_the_database_keeps_a_day_once_and_only_days(second: tuple[datetime, datetime]) -> None:
    IssuedDay.objects.create(begins_at=MIDNIGHT, ends_at=MIDNIGHT + DAY)
    with pytest.raises(IntegrityError, match="issuedday_"), transaction.atomic():
        IssuedDay.objects.create(begins_at=second[0], ends_at=second[1])


@pytest.mark.django_db(transaction=True)
def test_several_may_close_the_same_days_at_once(nok: int) -> None:
    for day in range(4):
        give(nok, at=NOW - day * DAY)

    def look(first: int) -> Callable[[], int]:
        return lambda: coins(LAST_DAYS[first:])

    assert at_once(look(0), look(1), look(0), look(2)) == [4, 3, 4, 2]
    assert IssuedDay.objects.count() == 3
    assert coins() == 4
