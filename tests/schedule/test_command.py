"""`run_schedule` as operators run it: killed, taken over, and stopped."""

import json
import signal
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from mimivibes.models import ScheduledJob
from tests.commands import started
from tests.waiting import until

SECONDS = 40


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_runner_had_begun_another_does_and_ends_when_told_to() -> None:
    jobs = ScheduledJob.objects
    killed = started("run_schedule", "--json")
    until(lambda: jobs.exclude(lease=None).exists(), killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert jobs.exclude(lease=None).update(leased_until=timezone.now() - timedelta(seconds=1))

    follower = started("run_schedule", "--json")
    often = jobs.filter(name__in=["process_webhooks", "release_rewards"])
    until(lambda: often.filter(last_outcome="done").count() == 2, follower)
    follower.send_signal(signal.SIGTERM)
    out, errors = follower.communicate(timeout=SECONDS)

    assert follower.returncode == 0, errors
    told = [json.loads(line) for line in out.splitlines()]
    assert any(f"process {killed.pid}" in line.get("taken_from", "") for line in told)
    reports = {line["job"]: line["report"] for line in told if line["event"] == "ended"}
    assert reports["release_rewards"] == {"released": 0, "failed": 0}
    assert not jobs.exclude(lease=None).exists()


@pytest.mark.django_db
def test_the_schedule_is_printed_for_cron_and_forgotten() -> None:
    ScheduledJob.objects.create(name="verify_ledger", due_at=timezone.now())
    out = StringIO()

    call_command("run_schedule", "--crontab", stdout=out)
    call_command("run_schedule", "--forget", "--json", stdout=out)

    *lines, forgotten = out.getvalue().splitlines()
    assert any("10 3 * * *" in line and "verify_ledger --json" in line for line in lines)
    assert not any("send_outbox" in line for line in lines)
    assert json.loads(forgotten) == {"forgotten": 1}
