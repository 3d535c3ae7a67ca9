"""Provisioning and webhooks: faults 19 to 22."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import erase_user
from referrals.models import ReferralCode
from rewards.amounts import Amounts
from tests.accounts.requests import deliver_user
from tests.clerk import event, signed, user_object
from tests.parallel import at_once
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db
really_parallel = pytest.mark.django_db(transaction=True)
WELCOME = Amounts(free_points=3)


@really_parallel
def test_fault_19_any_endpoint_provisions_and_everybody_ends_alike(back_end: BackEnd) -> None:
    by_me, by_claim, by_event, by_webhook, by_parallel = (
        newcomer(name) for name in ("Me", "Claim", "Event", "Webhook", "Parallel")
    )
    Browser().sign_in(by_me).me()
    Browser().sign_in(by_claim).claim()
    back_end.report(by_event, type="nothing.special")
    deliver_user("user.created", by_webhook.clerk_id)
    at_once(*[Browser().sign_in(by_parallel).me for _ in range(4)])

    for person in (by_me, by_claim, by_event, by_webhook, by_parallel):
        assert balances(person) == WELCOME, person
        assert user_of(person).referral_codes.count() == 1, person


def test_fault_19_a_missing_code_is_repaired(nok: Person) -> None:
    Browser().sign_in(nok).me()
    ReferralCode.objects.all().delete()

    assert code_of(nok)


def test_fault_20_an_address_identifies_nobody_and_the_primary_one_counts(ploy: Person) -> None:
    for clerk_id in ("user_ploy", "user_thief"):
        assert deliver_user("user.created", clerk_id, email="ploy@example.com").status_code == 200
    two = user_object("user_mali", email="mali@example.com")
    two["email_addresses"].insert(
        0,
        {
            "id": "idn_first",
            "email_address": "first@example.com",
            "verification": {"status": "verified"},
        },
    )
    body, headers = signed(event("user.created", two))
    Client().post("/api/v1/webhooks/clerk", body, content_type="application/json", headers=headers)

    assert Browser().sign_in(ploy).me()["id"] == "user_ploy"
    assert User.objects.filter(email="ploy@example.com").count() == 2
    assert User.objects.get(clerk_id="user_mali").email == "mali@example.com"


def test_fault_21_webhooks_tell_of_failure_and_end_alike_in_any_order() -> None:
    with patch("accounts.services.webhooks.apply_clerk_profile", side_effect=ConnectionError):
        assert deliver_user("user.created", "user_ploy").status_code == 500
    assert WebhookReceipt.objects.get().status == "failed"

    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    deliver_user("user.updated", "user_mali", created_at=old, updated_at=new, first_name="New")
    deliver_user("user.created", "user_mali", created_at=old, updated_at=old, first_name="Old")
    mali = User.objects.get(clerk_id="user_mali")
    assert (mali.first_name, mali.referral_codes.count()) == ("New", 1)

    erase_user(clerk_id="user_mali", now=timezone.now())
    deliver_user("user.updated", "user_mali", updated_at=datetime.now(UTC), first_name="Back")
    mali.refresh_from_db()
    assert (mali.first_name, mali.is_gone) == ("", True)


def test_fault_22_deletion_takes_data_balance_and_code_and_ends_payment(
    noks_code: str, nok: Person, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    body, headers = signed(event("user.deleted", {"id": nok.clerk_id, "deleted": True}))
    Client().post("/api/v1/webhooks/clerk", body, content_type="application/json", headers=headers)

    back_end.report(ploy)

    gone = user_of(nok)
    assert (gone.first_name, gone.last_name, gone.email, gone.image_url) == ("", "", "", "")
    assert not balances(nok)
    refused(Browser().post("referrals/validate", {"code": noks_code}), 404, "code_not_found")
    refused(Browser().sign_in(mali).claim(noks_code), 404, "code_not_found")
    refused(Browser().sign_in(nok).get("me"), 403, "account_deleted")
