"""Deliveries that failed or were interrupted are worked again, in time."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import (
    PayloadGone,
    WebhookWorkFailed,
    erase_user,
    process_due_webhooks,
    replay_webhook,
)
from accounts.signals import user_provisioned
from tests.clerk import event, user_object

pytestmark = pytest.mark.django_db


def failed(**fields: Any) -> WebhookReceipt:
    now = timezone.now()
    payload = event("user.created", user_object("user_ploy", first_name="Ploy"))
    values = {
        "svix_id": "msg_1",
        "type": "user.created",
        "clerk_id": "user_ploy",
        "payload": payload,
    }
    values |= {"status": "failed", "received_at": now, "next_attempt_at": now}
    return WebhookReceipt.objects.create(**{**values, **fields})


@pytest.fixture
def broken_work() -> Any:
    def failing(**fact: Any) -> None:
        raise RuntimeError

    user_provisioned.connect(failing)
    yield
    user_provisioned.disconnect(failing)


def run(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("process_webhooks", *options, stdout=out)
    except SystemExit as stop:
        return int(str(stop.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize("status", ["failed", "received"])
def test_what_is_due_is_worked(status: str) -> None:
    failed(status=status)

    code, out = run("--json")

    assert code == 0
    assert json.loads(out) == {"processed": 1, "ignored": 0, "duplicate": 0, "failed": 0}
    assert User.objects.get().first_name == "Ploy"


def test_what_is_not_due_waits() -> None:
    failed(next_attempt_at=timezone.now() + timedelta(minutes=1))

    assert run()[0] == 0
    assert not User.objects.exists()


@pytest.mark.usefixtures("broken_work")
def test_what_fails_again_waits_longer_each_time_up_to_half_a_day() -> None:
    now = timezone.now()
    receipt = failed(next_attempt_at=now)
    waits = []
    for _ in range(14):
        assert process_due_webhooks(now=now) == {"failed": 1}
        assert not process_due_webhooks(now=now)
        receipt.refresh_from_db()
        assert receipt.next_attempt_at
        waits.append((receipt.next_attempt_at - now) / timedelta(minutes=1))
        now = receipt.next_attempt_at

    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 720


@pytest.mark.usefixtures("broken_work")
def test_the_exit_status_tells_of_a_failure() -> None:
    failed()

    code, out = run("--json")

    assert (code, json.loads(out)["failed"]) == (1, 1)


def test_what_an_erasure_cleared_is_ignored() -> None:
    failed()
    erase_user(clerk_id="user_ploy", now=timezone.now())

    assert process_due_webhooks(now=timezone.now()) == {"ignored": 1}
    assert User.objects.get().deleted_at


def test_a_replay_works_a_finished_delivery_again() -> None:
    receipt = failed(status="ignored", processed_at=timezone.now(), next_attempt_at=None)

    assert replay_webhook(receipt=receipt, now=timezone.now()) == "processed"
    receipt.refresh_from_db()
    assert (receipt.status, receipt.attempts) == ("processed", 2)
    assert User.objects.exists()


def test_a_replay_of_a_cleared_delivery_is_refused() -> None:
    with pytest.raises(PayloadGone):
        replay_webhook(receipt=failed(payload=None), now=timezone.now())


@pytest.mark.usefixtures("broken_work")
def test_a_replay_that_fails_says_so_and_is_tried_again_later() -> None:
    receipt = failed(status="ignored", processed_at=timezone.now(), next_attempt_at=None)

    with pytest.raises(WebhookWorkFailed):
        replay_webhook(receipt=receipt, now=timezone.now())
    receipt.refresh_from_db()
    assert receipt.status == "failed"
    assert receipt.next_attempt_at
