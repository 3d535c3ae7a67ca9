"""Runs of maintenance: one at a time on any machine, stopped, killed and taken up again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertInHTML

from accounts.models import WebhookReceipt
from mimivibes.maintenance import command as commands
from mimivibes.maintenance.cleaning import FIRST_BATCH, LEAST_BATCH, SECONDS_OF_A_BATCH, Pace
from mimivibes.maintenance.runs import AlreadyRunning, LockLost, Turn, recorded_run
from mimivibes.models import CommandRun
from referrals.models import BrowserSession, Capture
from tests.commands import kill, run, shown_on_a_terminal, started
from tests.factories import BrowserSessionFactory, ReferralCodeFactory
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = "cleanup_captures"
EVERY_COMMAND = ["cleanup_captures", "cleanup_webhooks", "cleanup_sessions", "cleanup_all"]
MANY = 600


def _expired_captures(amount: int = MANY) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    times = {"first_opened_at": long_ago, "opened_at": long_ago, "expires_at": long_ago}
    code = ReferralCodeFactory()
    sessions = BrowserSession.objects.bulk_create(
        BrowserSessionFactory.build_batch(amount, created_at=long_ago)
    )
    Capture.objects.bulk_create(
        Capture(code=code, browser_session=each, **times) for each in sessions
    )


def _old_receipts() -> None:
    at = timezone.now() - timedelta(days=100)
    WebhookReceipt.objects.bulk_create(
        WebhookReceipt(
            svix_id=f"msg_{n}", payload={}, status="processed", received_at=at, processed_at=at
        )
        for n in range(MANY)
    )


def _ended_sessions() -> None:
    now = timezone.now()
    Session.objects.bulk_create(
        Session(session_key=f"{n:032}", expire_date=now) for n in range(MANY)
    )


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_a_second_run_says_who_runs_and_does_nothing(name: str) -> None:
    with (
        recorded_run(name, is_dry=False, now=timezone.now()) as (first, _turn),
        pytest.raises(CommandError, match=f"runs already: {first.runner}, since"),
    ):
        call_command(name, "--apply")

    assert [found.outcome for found in CommandRun.objects.all()] == ["done"]


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_on_an_empty_database_there_is_nothing_to_do(name: str) -> None:
    told, done = run(name), run(name, "--apply")

    assert set(told["rows"].values()) == set(done["rows"].values()) == {0}
    assert set(told["rules"]) == set(told["rows"]) == set(done["rows"])


def test_the_turn_comes_back_when_the_first_has_ended() -> None:
    with recorded_run(COMMAND, is_dry=False, now=timezone.now()):
        pass

    assert run(COMMAND, "--apply")["applied"]


def test_the_turn_is_back_before_the_server_has_noticed_that_its_holder_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Turn(COMMAND)
    with monkeypatch.context() as slow:
        slow.setattr(first._holder, "close", lambda: None)
        first.end()

        second = Turn(COMMAND)

    assert second.is_ours
    first.end()
    second.end()


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


def test_it_stops_in_time_and_the_next_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _expired_captures()
    slow = commands.clean

    def clean_a_hundred(*arguments: Any, job: Any) -> None:
        """As if the time were over after so many batches."""
        batches = iter([False] * 100)
        over = property(lambda limits: next(batches, True))
        monkeypatch.setattr(type(job.limits), "is_over", over)
        slow(*arguments, job=job)

    monkeypatch.setattr(commands, "clean", clean_a_hundred)
    with pytest.raises(SystemExit) as stopped:
        call_command(COMMAND, "--apply", "--batch-size", "1", "--max-seconds", "60")
    monkeypatch.undo()

    assert stopped.value.code == 75
    first = CommandRun.objects.get()
    done = first.report["expired_captures"]
    assert (first.outcome, 0 < done < MANY) == ("stopped", True)
    assert run(COMMAND, "--apply")["rows"]["expired_captures"] == MANY - done


@pytest.mark.parametrize(
    ("name", "make", "model", "chore"),
    [
        ("cleanup_captures", _expired_captures, Capture, "expired_captures"),
        ("cleanup_webhooks", _old_receipts, WebhookReceipt, "old_webhook_receipts"),
        ("cleanup_sessions", _ended_sessions, Session, "expired_sessions"),
        ("cleanup_all", _ended_sessions, Session, "expired_sessions"),
    ],
)
def test_what_was_killed_loses_nothing_and_repeats_nothing(
    name: str, make: Callable[[], None], model: type[Model], chore: str
) -> None:
    make()
    rows = model._default_manager
    process = started(name, "--apply", "--batch-size", "1")
    until(lambda: rows.count() < MANY, process)
    with pytest.raises(AlreadyRunning), recorded_run(name, is_dry=False, now=timezone.now()):
        pass
    kill(process)
    left = rows.count()

    done = run(name, "--apply")["rows"]

    assert 0 < left < MANY
    assert done[chore] == left
    assert not rows.exists()
    outcomes = CommandRun.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["killed", "done"]


def test_its_page_has_a_line_for_each_fact_and_a_list_for_each_group(aree: Client) -> None:
    report = {"rows": {"codes": {"new": 4_020}}, "tables": [{"table": "User"}], "note": {}}
    run = CommandRun.objects.create(command="x", started_at=timezone.now(), report=report)

    page = aree.get(f"/admin/mimivibes/commandrun/{run.pk}/change/").content.decode()

    told = """<ul class="told">
        <li>note: </li>
        <li>rows <ul><li>codes: new: 4,020</li></ul></li>
        <li>tables <ul><li>table: User</li></ul></li>
    </ul>"""
    assertInHTML(told, page)


def test_on_a_terminal_it_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _expired_captures(3)

    shown = shown_on_a_terminal(monkeypatch, COMMAND, "--apply")

    assert "expired captures" in shown
    assert "3 of 3 rows" in shown


def test_batches_shrink_when_they_take_long_and_grow_again() -> None:
    pace = Pace(most=FIRST_BATCH * 3)
    sizes = []
    for seconds in (SECONDS_OF_A_BATCH / 10, SECONDS_OF_A_BATCH / 10, SECONDS_OF_A_BATCH * 2, 9.0):
        sizes.append(pace.rows)
        pace.adapt(seconds)

    assert [*sizes, pace.rows] == [500, 1000, 1500, 750, LEAST_BATCH]


def test_no_batch_is_larger_than_was_asked_for() -> None:
    pace = Pace(most=3)
    pace.adapt(0.000_001)

    assert pace.rows == 3
