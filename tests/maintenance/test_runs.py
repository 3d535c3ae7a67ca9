"""Runs of maintenance: one at a time on any machine, stopped, killed and taken up again."""

import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mimivibes.maintenance.runs import AlreadyRunning, LockLost, Turn, recorded_run
from mimivibes.models import CommandRun
from referrals.models import BrowserSession, Capture
from tests.factories import BrowserSessionFactory, ReferralCodeFactory
from tests.maintenance.commands import run, started

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = "cleanup_captures"
MANY = 3_000
SECONDS_TO_BEGIN = 30


@pytest.fixture
def expired_captures() -> None:
    """Enough that batches of one take a while."""
    long_ago = timezone.now() - timedelta(days=40)
    session, code = BrowserSessionFactory(created_at=long_ago), ReferralCodeFactory()
    times = {"first_opened_at": long_ago, "opened_at": long_ago, "expires_at": long_ago}
    sessions = BrowserSession.objects.bulk_create(
        BrowserSessionFactory.build_batch(MANY, created_at=long_ago)
    )
    Capture.objects.bulk_create(
        Capture(code=code, browser_session=each, **times) for each in [*sessions, session]
    )


def test_a_second_run_says_who_runs_and_does_nothing() -> None:
    with (
        recorded_run(COMMAND, is_dry=False, now=timezone.now()) as (first, _turn),
        pytest.raises(CommandError, match=f"runs already: {first.runner}, since"),
    ):
        call_command(COMMAND)

    assert [found.outcome for found in CommandRun.objects.all()] == ["done"]


def test_the_turn_comes_back_when_the_first_has_ended() -> None:
    with recorded_run(COMMAND, is_dry=False, now=timezone.now()):
        pass

    assert run(COMMAND, "--apply")["applied"]


def test_what_fails_is_recorded_as_failed() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        recorded_run(COMMAND, is_dry=False, now=timezone.now()),
    ):
        raise ZeroDivisionError

    assert CommandRun.objects.get().outcome == "failed"
    assert CommandRun.objects.get().report == {"error": "ZeroDivisionError"}


def test_a_lost_lock_is_noticed_before_the_next_batch() -> None:
    turn = Turn(COMMAND)
    turn.check()
    turn.end()

    with pytest.raises(LockLost):
        turn.check()


@pytest.mark.usefixtures("expired_captures")
def test_it_stops_in_time_and_the_next_run_goes_on() -> None:
    with pytest.raises(SystemExit) as stopped:
        call_command(COMMAND, "--apply", "--batch-size", "1", "--max-seconds", "1")

    assert stopped.value.code == 75
    first = CommandRun.objects.get()
    assert first.outcome == "stopped"
    done = first.report["expired_captures"]
    assert 0 < done < MANY
    assert run(COMMAND, "--apply")["rows"]["expired_captures"] == MANY + 1 - done


@pytest.mark.usefixtures("expired_captures")
def test_what_was_killed_loses_nothing_and_repeats_nothing() -> None:
    process = started(COMMAND, "--apply", "--batch-size", "1")
    deadline = time.monotonic() + SECONDS_TO_BEGIN
    while Capture.objects.count() > MANY:
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    with pytest.raises(AlreadyRunning):
        _begin()
    process.kill()
    process.wait()
    left = Capture.objects.count()

    rows = run(COMMAND, "--apply")["rows"]

    assert 0 < left < MANY + 1
    assert rows["expired_captures"] == left
    assert not Capture.objects.exists()
    assert list(CommandRun.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "killed",
        "done",
    ]


def _begin() -> None:
    with recorded_run(COMMAND, is_dry=False, now=timezone.now()):
        pass
