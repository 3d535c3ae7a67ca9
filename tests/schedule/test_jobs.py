"""When jobs are due, and that what operators read of the schedule is what it is."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from mimivibes.environment import BASE_DIR
from mimivibes.maintenance.retention import RETENTION
from mimivibes.schedule.examples import crontab, systemd_units, table
from mimivibes.schedule.jobs import SCHEDULE, Job, active_jobs

NIGHTLY = Job("verify_ledger", "x", time(3, 10))
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-22T12:00", "2026-11-23T03:10"),
        ("2026-11-22T03:09", "2026-11-22T03:10"),
        ("2026-11-22T03:10", "2026-11-23T03:10"),
    ],
)
def test_a_time_of_day_is_the_next_such_time(now: str, due: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert NIGHTLY.next_after(moment, started_at=moment).isoformat()[:16] == due


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("Asia/Bangkok", "2026-11-22T12:00", "2026-11-22T20:10"),
        # At three the clocks go on to four: there is no ten past three, and it is run once anyway.
        ("Europe/Helsinki", "2026-03-28T12:00", "2026-03-29T01:10"),
        ("Europe/Helsinki", "2026-03-29T01:10", "2026-03-30T00:10"),
        # At four they go back to three.
        ("Europe/Helsinki", "2026-10-24T12:00", "2026-10-25T00:10"),
        ("Europe/Helsinki", "2026-10-25T01:10", "2026-10-26T01:10"),
    ],
)
def test_a_time_of_day_is_that_of_our_time_zone(
    settings: Any, zone: str, now: str, due: str
) -> None:
    settings.TIME_ZONE = zone
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    found = NIGHTLY.next_after(moment, started_at=moment)

    assert found.astimezone(UTC).isoformat()[:16] == due


def test_every_job_is_a_command_that_takes_its_arguments() -> None:
    for job in SCHEDULE:
        command = load_command_class(get_commands()[job.command], job.command)
        assert command.create_parser("manage.py", job.command).parse_args(list(job.words[1:]))


def test_no_command_stands_in_the_schedule_twice() -> None:
    assert len({job.command for job in SCHEDULE}) == len(SCHEDULE)


def test_whatever_must_run_regularly_is_in_it() -> None:
    """Also each clean-up that a table's rows wait for."""
    must = {"process_webhooks", "release_rewards", "sync_clerk_users", "verify_ledger"}
    cleaned_by = {rule.cleaned_by for rule in RETENTION.values()} - {""}

    jobs = {job.command: job.arguments for job in SCHEDULE}

    assert must | cleaned_by <= set(jobs)
    assert all("--apply" in jobs[command] for command in cleaned_by)


def test_what_needs_a_setting_is_left_out_without_it(settings: Any) -> None:
    settings.SVIX_TOKEN = settings.CLERK_SECRET_KEY = ""
    without = {job.command for job in active_jobs()}
    settings.SVIX_TOKEN = settings.CLERK_SECRET_KEY = "x"

    assert {job.command for job in active_jobs()} - without == {"send_outbox", "sync_clerk_users"}


def test_the_docs_show_the_schedule_as_it_is() -> None:
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    verify = next(job for job in SCHEDULE if job.command == "verify_ledger")

    for text in (table(), crontab(), *(unit.strip() for _, unit in systemd_units(verify))):
        assert text in page, text


def test_a_timer_can_be_written_for_every_job() -> None:
    calendars = [
        line
        for job in SCHEDULE
        for _, unit in systemd_units(job)
        for line in unit.splitlines()
        if line.startswith("OnCalendar=")
    ]

    assert len(calendars) == len(SCHEDULE)
    assert {"OnCalendar=*-*-* *:*:00", "OnCalendar=*-*-* *:0/5:00"} < set(calendars)


def test_a_frequent_job_is_due_so_long_after_it_began() -> None:
    job = Job("process_webhooks", "x", timedelta(minutes=1))

    assert job.next_after(NOON + timedelta(seconds=9), started_at=NOON) == NOON + timedelta(
        minutes=1
    )
