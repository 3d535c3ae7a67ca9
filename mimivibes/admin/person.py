"""What the page of a person shows: their story, and all that every app knows about them."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import User, WebhookReceipt
from accounts.services import reason_told
from mimivibes.legacy.models import LegacyTransaction
from referrals.services.story import devices_of, invited_by, story_of, who_did
from rewards import services as rewards
from rewards.amounts import Currency
from rewards.models import Transaction
from rewards.wording import signed

MOST = 20


def page_of_person(person: User, *, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what the page's template shows; of other models only what this viewer may see."""
    may = request.user.has_perm
    page: dict[str, Any] = {
        "title": person.known_as,
        "subtitle": None,
        "person": person,
        "person_name": person.known_as,
        "profile_age": _profile_age(person, now),
        "account_made": _account_made(person),
    }
    if may("referrals.view_attribution"):
        page |= _referrals_of(person, now)
    if may("rewards.view_transaction") and may("rewards.view_balance"):
        page |= _ledger_of(person)
    if may("legacy.view_legacytransaction"):
        page["has_old_transactions"] = LegacyTransaction.objects.filter(user=person).exists()
    if may("accounts.view_webhookreceipt"):
        page |= _deliveries_about(person)
    return page


def _profile_age(person: User, now: datetime) -> str:
    if person.deleted_at:
        return _("erased with the account")
    if person.clerk_updated_at is None:
        return _(
            "Never received: only what the sign-in token says is known. "
            "“manage.py sync_clerk_users --missing” asks Clerk for it."
        )
    return _("as of %(age)s ago") % {"age": timesince(person.clerk_updated_at, now)}


def _account_made(person: User) -> str:
    """Say what staff can do while Clerk has not told; empty if it has."""
    if person.account_created_at or person.deleted_at:
        return ""
    return _(
        "Not known yet, so claims are held. Clerk’s next webhook brings it; "
        "“manage.py sync_clerk_users --missing” asks for it now."
    )


def _referrals_of(person: User, now: datetime) -> dict[str, Any]:
    invited, has_more_invited = invited_by(person)
    devices, has_more_devices = devices_of(person)
    story = story_of(user=person, now=now)
    return {
        "story": story,
        "inviter": story.attribution.referrer.known_as if story.attribution else "",
        "invited": [
            {
                "attribution": row.attribution,
                "name": row.attribution.referee.known_as,
                "to_referee": signed(row.to_referee),
                "to_referrer": signed(row.to_referrer),
            }
            for row in invited
        ],
        "has_more_invited": has_more_invited,
        "codes": person.referral_codes.select_related("program").order_by("-id")[:MOST],
        "devices": [
            {**_device(shared), "others": [(other, other.known_as) for other in shared.others]}
            for shared in devices
        ],
        "has_more_devices": has_more_devices,
    }


def _device(shared: Any) -> dict[str, Any]:
    return {"device": shared.device, "has_more": shared.has_more}


def _ledger_of(person: User) -> dict[str, Any]:
    transactions = list(
        Transaction.objects.of(person.pk).with_amounts().order_by("-created_at", "-id")[: MOST + 1]
    )
    return {
        "balances": [
            (Currency(currency).label, amount)
            for currency, amount in rewards.balances_of(person.pk)
        ],
        "transactions": [_transaction(row, person) for row in transactions[:MOST]],
        "has_more_transactions": len(transactions) > MOST,
    }


def _transaction(row: Transaction, person: User) -> dict[str, Any]:
    return {
        "row": row,
        "amounts": signed(row.amounts),
        "memo": rewards.memo_told(row),
        "by": who_did(row.actor, person).text,
    }


def _deliveries_about(person: User) -> dict[str, Any]:
    about = WebhookReceipt.objects.filter(clerk_id=person.clerk_id).defer("payload")
    newest = list(about.order_by("-received_at")[: MOST + 1])
    return {
        "deliveries": [{"row": row, "why": reason_told(row)} for row in newest[:MOST]],
        "has_more_deliveries": len(newest) > MOST,
    }
