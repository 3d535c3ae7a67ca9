"""A clean-up behind PgBouncer in transaction mode: one at a time; what was killed is taken up."""

import json
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import WebhookReceipt
from tests.bench.cleanup import bouncer
from tests.commands import kill, started
from tests.programs import needed
from tests.server import database_url
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 600
COMMAND = ("cleanup_webhooks", "--apply", "--json")


@pytest.fixture
def pooled() -> Iterator[str]:
    """The address of the test database behind PgBouncer."""
    needed("pgbouncer")
    with tempfile.TemporaryDirectory() as folder:
        address = database_url(settings.DATABASES["default"]["NAME"])
        with bouncer.running(Path(folder), address) as url:
            yield url


def test_one_run_goes_at_a_time_and_the_next_does_what_a_killed_one_left(pooled: str) -> None:
    at = timezone.now() - timedelta(days=40)
    WebhookReceipt.objects.bulk_create(
        WebhookReceipt(
            svix_id=f"msg_{n}", payload={}, status="processed", received_at=at, processed_at=at
        )
        for n in range(MANY)
    )
    full = WebhookReceipt.objects.filter(payload__isnull=False)

    first = started(*COMMAND, "--batch-size", "1", DATABASE_URL=pooled)
    until(lambda: full.count() < MANY, first)
    first.send_signal(signal.SIGSTOP)  # so that it is not done before the second has begun
    second = started(*COMMAND, DATABASE_URL=pooled)
    _, refusal = second.communicate()
    kill(first)
    left = full.count()
    third = started(*COMMAND, DATABASE_URL=pooled)
    report, errors = third.communicate()

    assert (second.returncode, third.returncode) == (1, 0), errors
    assert "cleanup_webhooks runs already" in refusal
    assert 0 < left < MANY
    assert json.loads(report)["rows"]["old_webhook_payloads"] == left
    assert not full.exists()
