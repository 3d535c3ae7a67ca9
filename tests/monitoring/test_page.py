"""`/metrics`: who may read it, and what it tells of how things stand."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import WebhookReceipt
from mimivibes.models import CommandRun, ScheduledJob
from outbox.models import OutboxMessage
from referrals.models import Status
from rewards.models import LedgerProof
from tests.factories import AttributionFactory
from tests.monitoring.scrapes import Prometheus
from tests.statements import statements

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong", "long enough"])
def test_nobody_reads_it_without_the_token(prometheus: Prometheus, sent: str) -> None:
    assert Client().get("/metrics", headers={"Authorization": sent}).status_code == 403


def test_an_address_that_is_allowed_reads_it_without_a_token(settings: object) -> None:
    settings.METRICS_ALLOWED_IPS = ["192.0.2.0/24"]  # type: ignore[attr-defined]

    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="198.51.100.7").get("/metrics").status_code == 403


def test_nothing_waits_at_first(prometheus: Prometheus) -> None:
    told = prometheus.scrape()

    waiting = [
        *("webhooks_failed", "webhook_oldest_failed_seconds", "webhooks_unfinished"),
        *("webhook_oldest_unfinished_seconds", "webhook_last_received_timestamp_seconds"),
        *("attributions_held", "attribution_oldest_held_seconds"),
        *("grants_waiting", "grant_oldest_waiting_seconds"),
        *("rewards_due", "reward_longest_due_seconds"),
        *("ledger_proof_timestamp_seconds", "ledger_proof_faults"),
    ]
    assert {name: told[f"mimivibes_{name}"] for name in waiting} == dict.fromkeys(waiting, 0)
    assert told["mimivibes_database_up"] == 1


def test_what_failed_and_what_is_held_is_told(prometheus: Prometheus) -> None:
    now = timezone.now()
    ages = {"received": 9, "failed": 5}  # hours; what is still being worked has not failed
    for number, (status, hours) in enumerate(ages.items()):
        WebhookReceipt.objects.create(
            svix_id=f"msg_{number}",
            status=status,
            received_at=now - timedelta(hours=hours),
            next_attempt_at=now,
        )
    AttributionFactory(status=Status.HELD, claimed_at=now - timedelta(hours=3))
    AttributionFactory(status=Status.PENDING)

    told = prometheus.scrape()

    assert told["mimivibes_webhooks_failed"] == 1
    assert told["mimivibes_webhook_oldest_failed_seconds"] == pytest.approx(5 * 3600, abs=60)
    assert told["mimivibes_webhook_oldest_unfinished_seconds"] == pytest.approx(9 * 3600, abs=60)
    assert told["mimivibes_attributions_held"] == 1
    assert told["mimivibes_attribution_oldest_held_seconds"] == pytest.approx(3 * 3600, abs=60)


def test_a_reward_whose_hold_is_over_is_due(prometheus: Prometheus) -> None:
    now = timezone.now()
    for hours in (2, -2):
        AttributionFactory(
            status=Status.QUALIFIED, qualified_at=now, release_at=now - timedelta(hours=hours)
        )

    told = prometheus.scrape()

    assert told["mimivibes_rewards_due"] == 1
    assert told["mimivibes_reward_longest_due_seconds"] == pytest.approx(2 * 3600, abs=60)


def test_the_last_proof_is_told(prometheus: Prometheus) -> None:
    now = timezone.now()
    fault = {"code": "balance_differs", "subject": "user 1", "detail": "It differs."}
    LedgerProof.objects.create(
        started_at=now - timedelta(days=1), seconds=3, fault_count=0, faults=[]
    )
    LedgerProof.objects.create(started_at=now, seconds=4, fault_count=1, faults=[fault])

    told = prometheus.scrape()

    assert told["mimivibes_ledger_proof_timestamp_seconds"] == pytest.approx(now.timestamp())
    assert told["mimivibes_ledger_proof_faults"] == 1
    assert told["mimivibes_ledger_proof_seconds"] == 4


def a_run(command: str, outcome: str, *, at: datetime, is_dry: bool = False) -> None:
    CommandRun.objects.create(
        command=command, outcome=outcome, started_at=at, finished_at=at, is_dry=is_dry, runner="x"
    )


def test_when_a_command_last_ended_well_is_told(prometheus: Prometheus) -> None:
    now = timezone.now()
    yesterday = now - timedelta(days=1)
    a_run("cleanup_captures", "done", at=yesterday)
    a_run("cleanup_captures", "killed", at=now)
    a_run("cleanup_captures", "done", at=now, is_dry=True)
    a_run("cleanup_webhooks", "failed", at=yesterday)
    a_run("cleanup_webhooks", "stopped", at=now)

    told = prometheus.scrape()

    succeeded = "mimivibes_command_last_success_timestamp_seconds"
    assert told[succeeded, "cleanup_captures"] == pytest.approx(yesterday.timestamp())
    assert told[succeeded, "cleanup_webhooks"] == pytest.approx(now.timestamp())
    assert told["mimivibes_command_failed", "cleanup_captures"] == 1
    assert told["mimivibes_command_failed", "cleanup_webhooks"] == 0


def test_a_job_that_is_due_and_failed_is_told(prometheus: Prometheus) -> None:
    now = timezone.now()
    ScheduledJob.objects.create(
        name="verify_ledger", due_at=now - timedelta(hours=2), last_outcome="failed"
    )

    told = prometheus.scrape()

    lag = told["mimivibes_schedule_lag_seconds", "verify_ledger"]
    assert lag == pytest.approx(2 * 3600, abs=60)
    assert told["mimivibes_schedule_failed", "verify_ledger"] == 1
    assert told["mimivibes_schedule_lag_seconds", "process_webhooks"] == 0
    assert told["mimivibes_schedule_failed", "process_webhooks"] == 0


def test_what_the_web_app_is_not_told_yet_is_told(prometheus: Prometheus) -> None:
    now = timezone.now()
    made: dict[str, Any] = {"type": "x", "data": {}, "created_at": now - timedelta(hours=1)}
    OutboxMessage.objects.create(due_at=now, **made)
    OutboxMessage.objects.create(given_up_at=now, **made)

    told = prometheus.scrape()

    assert told["mimivibes_outbox_waiting"] == 1
    assert told["mimivibes_outbox_oldest_waiting_seconds"] == pytest.approx(3600, abs=60)
    assert told["mimivibes_outbox_given_up"] == 1


def test_requests_are_counted_by_their_route_and_never_by_an_id(prometheus: Prometheus) -> None:
    prometheus.client.get("/admin/accounts/user/no-such-person/change/")

    shown = prometheus.text()

    assert 'route="admin/accounts/user/<path:object_id>/change/"' in shown
    assert "no-such-person" not in shown


def test_who_asks_soon_again_costs_the_database_nothing(prometheus: Prometheus) -> None:
    prometheus.text()

    with statements() as sent:
        prometheus.client.get("/metrics")

    assert sent == []


def test_a_scrape_takes_few_statements(prometheus: Prometheus) -> None:
    prometheus.scrape()

    with statements() as sent:
        prometheus.scrape()

    assert len(sent) <= 24


def test_without_the_database_the_rest_is_told(prometheus: Prometheus) -> None:
    with patch("mimivibes.metrics.page.counted_facts", side_effect=OperationalError("password")):
        told = prometheus.scrape()

    assert told["mimivibes_database_up"] == 0
    assert "mimivibes_webhooks_failed" not in told
    assert any("mimivibes_http_requests_total" in name for name in told)
