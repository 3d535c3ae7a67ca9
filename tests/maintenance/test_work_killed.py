"""Commands that work through what is due: killed at any moment, run again, run twice at once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from referrals.models import Attribution, Status
from rewards.models import Transaction
from rewards.services.proof import verify_ledger
from tests.accounts.clerk_server import ClerkServer
from tests.clerk import event, user_object
from tests.commands import killed_when, run
from tests.factories import AttributionFactory, ReferralCodeFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 150
FROM_ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "mimivibes.settings"}


def test_deliveries_are_worked_once_though_a_run_is_killed_and_two_follow_at_once() -> None:
    due = timezone.now()
    WebhookReceipt.objects.bulk_create(
        WebhookReceipt(
            svix_id=f"msg_{n}",
            type="user.created",
            clerk_id=f"user_{n}",
            payload=event("user.created", user_object(f"user_{n}", first_name="Ploy")),
            status="failed",
            received_at=due,
            next_attempt_at=due,
        )
        for n in range(MANY)
    )
    done = WebhookReceipt.objects.filter(status="processed")

    killed_half_way(done.count, "process_webhooks")
    # As if the wait of the one that it was working on were over.
    WebhookReceipt.objects.filter(processed_at=None).update(next_attempt_at=timezone.now())
    two_at_once("process_webhooks")

    assert done.count() == MANY
    assert User.objects.filter(first_name="Ploy").count() == MANY


def test_holds_are_released_once_though_a_run_is_killed_and_two_follow_at_once() -> None:
    code, over = ReferralCodeFactory(), timezone.now() - timedelta(minutes=1)
    qualified = {"status": Status.QUALIFIED, "awaits_review": False, "qualified_at": over}
    AttributionFactory.create_batch(MANY, code=code, release_at=over, **qualified)
    paid = Transaction.objects.filter(kind="referral_referrer")

    killed_half_way(paid.count, "release_rewards")
    two_at_once("release_rewards")

    assert paid.count() == MANY
    assert Attribution.objects.filter(status=Status.REWARDED).count() == MANY
    assert verify_ledger() == []


def test_users_are_brought_in_once_though_a_run_is_killed_and_two_follow_at_once(
    settings: Any,
) -> None:
    settings.CLERK_SECRET_KEY = "sk_test_key"
    with ClerkServer() as clerk:
        settings.CLERK_API_URL = clerk.url
        clerk.users = [user_object(f"user_{n}", first_name="Ploy") for n in range(MANY)]
        brought_in = User.objects.filter(first_name="Ploy")
        command = ("sync_clerk_users", "--all", "--page-size", "5")

        env = {"CLERK_SECRET_KEY": "sk_test_key", "CLERK_API_URL": clerk.url}
        killed_half_way(brought_in.count, *command, **FROM_ENVIRONMENT, **env)
        two_at_once(*command)

    assert brought_in.count() == MANY


def killed_half_way(done: Callable[[], int], *command: str, **env: str) -> None:
    """Run a command in a process of its own, and kill it when it has done some of its work."""
    killed_when(done, *command, **env)
    assert 0 < done() < MANY, "It was killed before or after its work, which shows nothing."


def two_at_once(*command: str) -> None:
    at_once(partial(run, *command), partial(run, *command))
