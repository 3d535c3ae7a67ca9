"""What this process counts for itself: problems, errors, webhooks, staff at the door."""

from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors

from accounts.models import User
from mimivibes.metrics.processes import count_error
from tests.clerk import event, signed, user_object
from tests.monitoring.scrapes import Prometheus
from tests.people import Browser, Person

pytestmark = pytest.mark.django_db
DELIVERIES = "mimivibes_webhook_deliveries_total"


def deliver(type_: str, svix_id: str, *, signature: str | None = None) -> int:
    body, headers = signed(event(type_, user_object("user_ploy")), svix_id=svix_id)
    if signature:
        headers["svix-signature"] = signature
    response = Client(raise_request_exception=False).generic(
        "POST",
        "/api/v1/webhooks/clerk",
        data=body,
        content_type="application/json",
        headers=headers,
    )
    return int(response.status_code)


def grown(before: dict, after: dict, *, name: str) -> dict:  # type: ignore[type-arg]
    """Return by how much the samples of one metric have grown."""
    return {
        key[1:]: value - before.get(key, 0)
        for key, value in after.items()
        if key[0] == name and value != before.get(key, 0)
    }


def test_deliveries_are_counted_by_what_their_sender_was_told(prometheus: Prometheus) -> None:
    before = prometheus.scrape()

    deliver("user.created", "msg_1")
    deliver("user.created", "msg_1")
    deliver("organization.created", "msg_2")
    deliver("user.created", "msg_3", signature="v1,forged")
    with patch("accounts.services.webhooks._apply", side_effect=RuntimeError):
        assert deliver("user.updated", "msg_4") == 500

    assert grown(before, prometheus.scrape(), name=DELIVERIES) == {
        ("processed", "user.created"): 1,
        ("duplicate", "user.created"): 1,
        ("ignored", "other"): 1,
        ("refused", ""): 1,
        ("failed", "user.updated"): 1,
    }


def test_who_is_not_known_is_counted_by_the_contracts_code(
    prometheus: Prometheus, ploy: Person
) -> None:
    before = prometheus.scrape()

    Browser().get("me")
    Browser().get("me", Authorization="Bearer nothing")
    Browser().post("events", {}, Authorization="Api-Key nothing")
    Browser().sign_in(ploy).claim("NOSUCHCODE")

    assert grown(before, prometheus.scrape(), name="mimivibes_problems_total") == {
        ("token_missing",): 1,
        ("token_invalid",): 1,
        ("api_key_invalid",): 1,
        ("code_not_found",): 1,
    }


def test_who_asks_too_often_is_counted(prometheus: Prometheus) -> None:
    before = prometheus.scrape()
    visitor = Browser()
    with patch("mimivibes.throttling.CallerThrottle.get_rate", return_value="1/day"):
        visitor.get("referrals/rewards")
        assert visitor.get("referrals/rewards").status_code == 429

    assert grown(before, prometheus.scrape(), name="mimivibes_problems_total") == {
        ("throttled",): 1
    }


def test_an_error_in_a_view_of_the_api_is_counted_by_its_name(
    prometheus: Prometheus, ploy: Person
) -> None:
    before = prometheus.scrape()
    with patch("mimivibes.me.MeView.get", side_effect=ZeroDivisionError):
        assert Browser().sign_in(ploy).get("me").status_code == 500

    assert grown(before, prometheus.scrape(), name="mimivibes_unexpected_errors_total") == {
        ("ZeroDivisionError",): 1
    }


def test_an_error_outside_of_the_apis_views_is_counted_too(
    prometheus: Prometheus, ploy: Person
) -> None:
    before = prometheus.scrape()
    with patch("accounts.middleware.identify", side_effect=ZeroDivisionError):
        Browser().sign_in(ploy).get("me")

    assert grown(before, prometheus.scrape(), name="mimivibes_unexpected_errors_total") == {
        ("ZeroDivisionError",): 1
    }


def test_what_postgresql_says_counts_not_djangos_name_for_it(prometheus: Prometheus) -> None:
    before = prometheus.scrape()
    error = OperationalError("a deadlock")
    error.__cause__ = errors.DeadlockDetected()

    count_error(error)

    assert grown(before, prometheus.scrape(), name="mimivibes_unexpected_errors_total") == {
        ("DeadlockDetected",): 1
    }


def test_staff_who_fail_to_sign_in_are_counted(prometheus: Prometheus) -> None:
    User.objects.create_superuser("aree", "secret")
    name = "mimivibes_staff_sign_in_failures_total"
    before = prometheus.scrape()[name]

    Client().post("/admin/login/", {"username": "aree", "password": "wrong"})

    assert prometheus.scrape()[name] == before + 1
