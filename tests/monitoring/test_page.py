"""`/metrics`: who may read it, and what it tells of the database."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import WebhookReceipt
from referrals.models import Status
from tests.factories import AttributionFactory

pytestmark = pytest.mark.django_db


def figures(client: Client) -> dict[str, float]:
    """Return what is told without labels, by name."""
    lines = client.get("/metrics").content.decode().splitlines()
    return {
        name: float(value)
        for name, _space, value in (line.rpartition(" ") for line in lines)
        if name.startswith("mimivibes_") and "{" not in name
    }


@pytest.fixture
def prometheus(settings: object) -> Client:
    settings.METRICS_TOKEN = "long enough"  # type: ignore[attr-defined]
    return Client(headers={"Authorization": "Bearer long enough"})


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong", "long enough"])
def test_nobody_reads_it_without_the_token(prometheus: Client, sent: str) -> None:
    assert Client().get("/metrics", headers={"Authorization": sent}).status_code == 403


def test_an_address_that_is_allowed_reads_it_without_a_token(settings: object) -> None:
    settings.METRICS_ALLOWED_IPS = ["192.0.2.0/24"]  # type: ignore[attr-defined]

    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="198.51.100.7").get("/metrics").status_code == 403


def test_nothing_waits_at_first(prometheus: Client) -> None:
    assert figures(prometheus) == {
        "mimivibes_webhooks_failed": 0,
        "mimivibes_webhook_oldest_failed_seconds": 0,
        "mimivibes_attributions_held": 0,
    }


def test_what_failed_and_what_is_held_is_told(prometheus: Client) -> None:
    now = timezone.now()
    ages = {"received": 9, "failed": 5}  # hours; what is still being worked has not failed
    for number, (status, hours) in enumerate(ages.items()):
        WebhookReceipt.objects.create(
            svix_id=f"msg_{number}",
            status=status,
            received_at=now - timedelta(hours=hours),
            next_attempt_at=now,
        )
    AttributionFactory(status=Status.HELD)
    AttributionFactory(status=Status.PENDING)

    told = figures(prometheus)

    assert told["mimivibes_webhooks_failed"] == 1
    assert told["mimivibes_webhook_oldest_failed_seconds"] == pytest.approx(5 * 3600, abs=60)
    assert told["mimivibes_attributions_held"] == 1


def test_requests_are_counted_by_their_route_and_never_by_an_id(prometheus: Client) -> None:
    prometheus.get("/admin/accounts/user/no-such-person/change/")

    shown = prometheus.get("/metrics").content.decode()

    assert 'route="admin/accounts/user/<path:object_id>/change/"' in shown
    assert "no-such-person" not in shown
