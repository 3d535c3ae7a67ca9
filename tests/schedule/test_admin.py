"""Staff see the schedule, and operators have a job run now."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mimivibes.models import ScheduledJob

pytestmark = pytest.mark.django_db
LIST = "/admin/mimivibes/scheduledjob/"


def test_the_list_tells_when_a_job_is_due_and_how_it_went(aree: Client) -> None:
    now = timezone.now()
    ScheduledJob.objects.create(
        name="verify_ledger", due_at=now, last_outcome="failed", last_error="Exit status 1. Faults."
    )

    page = aree.get(LIST).content.decode()

    assert "verify_ledger" in page
    assert "Exit status 1. Faults." in page


def test_a_job_can_be_made_due_now(aree: Client) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    ScheduledJob.objects.create(name="verify_ledger", due_at=tomorrow)
    ScheduledJob.objects.create(name="close_days", due_at=tomorrow)

    response = aree.post(
        LIST, {"action": "run_now", "_selected_action": ["verify_ledger"]}, follow=True
    )

    assert "1 of 1 are due now" in response.content.decode()
    due = ScheduledJob.objects.filter(due_at__lte=timezone.now() + timedelta(seconds=5))
    assert [job.name for job in due] == ["verify_ledger"]
