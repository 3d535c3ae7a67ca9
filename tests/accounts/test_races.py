"""First requests, webhooks and deletions of one person at once, on connections of their own."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import process_due_webhooks, provision_user
from accounts.signals import user_erased, user_provisioned
from tests.accounts.heard import heard
from tests.accounts.requests import call, deliver
from tests.clerk import event, session_token, signed, user_object
from tests.parallel import race

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = range(3)


def webhook(kind: str, data: dict[str, Any], svix_id: str | None = None) -> Any:
    body, headers = signed(event(kind, data), svix_id=svix_id)
    return lambda: deliver(body, headers)


def statuses(responses: list[Any]) -> list[int]:
    return [getattr(response, "status_code", response) for response in responses]


def test_legacy_19_parallel_first_requests_make_one_person_and_none_fails() -> None:
    with heard(user_provisioned) as announced:
        responses = race(
            [lambda: call("me", token=session_token("user_ploy", first_name="Ploy"))] * 8
        )

    assert statuses(responses) == [200] * 8
    assert User.objects.filter(clerk_id="user_ploy").count() == 1
    assert len(announced) == 1


def test_a_webhook_beside_first_requests_wins_whoever_is_first() -> None:
    for number in ROUNDS:
        clerk_id = f"user_ploy_{number}"
        token = session_token(clerk_id, first_name="Claim", email="claim@example.com")
        created = user_object(clerk_id, first_name="Ploy", email="ploy@example.com")

        responses = race(
            [
                *[lambda token=token: call("me", token=token)] * 3,
                webhook("user.created", created),
                lambda clerk_id=clerk_id: provision_user(clerk_id=clerk_id, now=timezone.now()),
            ]
        )

        assert statuses(responses[:4]) == [200] * 4
        user = User.objects.get(clerk_id=clerk_id)
        assert (user.first_name, user.email) == ("Ploy", "ploy@example.com")


def test_updates_at_once_leave_the_newest() -> None:
    now = timezone.now()
    versions = [
        user_object("user_ploy", first_name=f"Ploy {n}", updated_at=now + timedelta(seconds=n))
        for n in range(8)
    ]

    responses = race([webhook("user.updated", version) for version in versions])

    assert statuses(responses) == [200] * 8
    assert User.objects.get().first_name == "Ploy 7"


def test_nothing_survives_a_deletion_at_the_same_moment() -> None:
    for number in ROUNDS:
        clerk_id = f"user_ploy_{number}"
        updated = user_object(clerk_id, first_name="Ploy", email="ploy@example.com")
        token = session_token(clerk_id, first_name="Claim")

        with heard(user_erased) as erased:
            responses = race(
                [
                    webhook("user.created", updated),
                    webhook("user.deleted", {"id": clerk_id}),
                    webhook("user.updated", updated),
                    webhook("user.deleted", {"id": clerk_id}),
                    lambda token=token: call("me", token=token),
                ]
            )

        assert statuses(responses[:4]) == [200] * 4
        assert statuses(responses[4:])[0] in {200, 403}
        user = User.objects.get(clerk_id=clerk_id)
        assert user.deleted_at
        assert (user.first_name, user.email) == ("", "")
        assert len(erased) <= 1
        assert not WebhookReceipt.objects.filter(clerk_id=clerk_id, payload__isnull=False).exists()


def test_one_delivery_at_once_is_processed_once() -> None:
    created = user_object("user_ploy", first_name="Ploy")

    with heard(user_provisioned) as announced:
        responses = race([webhook("user.created", created, "msg_1")] * 6)

    outcomes = sorted(response.json()["status"] for response in responses)
    assert outcomes == ["duplicate"] * 5 + ["processed"]
    assert len(announced) == 1


def test_parallel_runs_share_out_what_is_due() -> None:
    now = timezone.now()
    for number in range(40):
        clerk_id = f"user_{number}"
        WebhookReceipt.objects.create(
            svix_id=f"msg_{number}",
            type="user.created",
            clerk_id=clerk_id,
            payload=event("user.created", user_object(clerk_id)),
            status="failed",
            received_at=now,
            next_attempt_at=now,
        )

    counts = race([lambda: process_due_webhooks(now=now, batch_size=15)] * 4)

    assert sum(count["processed"] for count in counts) == 40
    assert User.objects.filter(clerk_id__startswith="user_").count() == 40
    assert not WebhookReceipt.objects.exclude(status="processed", attempts=2).exists()
