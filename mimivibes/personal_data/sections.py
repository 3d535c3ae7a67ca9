"""What every app holds about a person, section by section, and how an export shows it.

Of others an export says what the API says of them, a first name or a neutral word. What staff wrote
is left out: it is theirs to read through first, for it may speak of others (docs/personal-data.md).
A test finds the model that refers to people and is neither here nor in `NOT_THEIRS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, Q, QuerySet

from accounts.models import User, WebhookReceipt
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    QualifyingEvent,
    ReferralCode,
    TimelineEntry,
    UserDevice,
)
from rewards.amounts import Amounts
from rewards.models import GrantRequest, Transaction

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind: which are a person's, by which reference, and what is shown of each."""

    name: str
    reference: str
    rows: Callable[[User], QuerySet[Any]]
    shown: Callable[[Any], Shown]


NOT_THEIRS = {
    "admin.LogEntry.user": "what a member of staff did",
    "legacy.Matter.user": "what the import left to staff, which may speak of others",
    "otp_static.StaticDevice.user": "the second factor of a member of staff",
    "otp_totp.TOTPDevice.user": "the second factor of a member of staff",
    "referrals.ProgramTerms.created_by": "the member of staff who made the terms",
    "rewards.GrantRequest.requested_by": "the member of staff who asked",
    "rewards.GrantRequest.decided_by": "the member of staff who decided",
    "rewards.Balance.user": "shown with the person, under balances",
    "rewards.Entry.user": "shown as the amounts of a transaction",
}
"""References to a user that make no section of an export, and why."""


def person(user: User) -> Shown:
    return {
        "clerk_id": user.clerk_id,
        "email": user.email,
        "email_verified": user.email_verified,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": user.image_url,
        "account_created_at": time(user.account_created_at),
        "profile_as_of": time(user.clerk_updated_at),
        "first_seen_at": time(user.created_at),
        "banned_at": time(user.banned_at),
        "deleted_at": time(user.deleted_at),
    }


def time(at: datetime | None) -> str | None:
    """Return a time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _code(code: ReferralCode) -> Shown:
    return {
        "code": code.code,
        "program": code.program.slug,
        "is_primary": code.is_primary,
        "is_active": code.is_active,
        "created_at": time(code.created_at),
    }


def _capture(capture: Capture) -> Shown:
    return {
        "code": capture.code.code,
        "first_opened_at": time(capture.first_opened_at),
        "opened_at": time(capture.opened_at),
        "expires_at": time(capture.expires_at),
        "adopted_at": time(capture.adopted_at),
        "closed_at": time(capture.closed_at),
        "closed_reason": capture.closed_reason,
        "landing_url": capture.landing_url,
        "utm": capture.utm,
    }


def _browser_session(visit: BrowserSession) -> Shown:
    return {
        "id": str(visit.pk),
        "device_id": str(visit.device_id),
        "created_at": time(visit.created_at),
        "adopted_at": time(visit.adopted_at),
    }


def _device(device: UserDevice) -> Shown:
    return {
        "device_id": str(device.device_id),
        "first_seen_at": time(device.first_seen_at),
    }


def _invitation(attribution: Attribution) -> Shown:
    """Show what both sides may know of an attribution."""
    return {
        "id": str(attribution.pk),
        "status": attribution.status,
        "code": attribution.code.code,
        "program": attribution.terms.program.slug,
        "terms_version": attribution.terms.version,
        "claimed_at": time(attribution.claimed_at),
        "qualified_at": time(attribution.qualified_at),
        "rewarded_at": time(attribution.rewarded_at),
    }


def _invited_by(attribution: Attribution) -> Shown:
    return {
        **_invitation(attribution),
        "referrer": {"display_name": attribution.referrer.display_name},
        "moves": [_move(entry) for entry in attribution.timeline.all()],
    }


def _invited(attribution: Attribution) -> Shown:
    return {
        **_invitation(attribution),
        "referee": {"display_name": attribution.referee.display_name},
    }


def _move(entry: TimelineEntry) -> Shown:
    by = entry.actor.partition(":")[0]
    return {
        "at": time(entry.at),
        "from": entry.from_status,
        "to": entry.to_status,
        "by": by,
        "reason": None if by == "staff" else entry.reason,
    }


def _claim(decision: Decision) -> Shown:
    return {
        **_claim_of_their_code(decision),
        "refusal": decision.refusal,
        "rules": [
            {"rule": kept["rule"], "verdict": kept["verdict"], "reason": _reason(kept)}
            for kept in decision.evaluations
        ],
        "network_address_kept_hashed": bool(decision.address_hash),
    }


def _reason(kept: Shown) -> str | None:
    return None if kept["rule"] == BY_STAFF else kept["reason"]


BY_STAFF = "staff_decide"


def _claim_of_their_code(decision: Decision) -> Shown:
    """Leave out what was found out about whoever claimed."""
    return {"at": time(decision.at), "code": decision.code, "outcome": decision.outcome}


def _event(event: QualifyingEvent) -> Shown:
    return {
        "id": event.event_id,
        "type": event.type,
        "occurred_at": time(event.occurred_at),
        "received_at": time(event.received_at),
        "data": event.data,
        "source": event.source,
    }


def _transaction(transaction: Transaction) -> Shown:
    return {
        "id": str(transaction.pk),
        "kind": transaction.kind,
        "amounts": transaction.amounts.as_dict(),
        "reference": transaction.reference,
        "memo": transaction.memo,
        "created_at": time(transaction.created_at),
        "reverses": str(transaction.reverses_id) if transaction.reverses_id else None,
    }


def _grant_request(request: GrantRequest) -> Shown:
    return {
        "amounts": request.amounts.as_dict(),
        "status": request.status,
        "requested_at": time(request.requested_at),
        "decided_at": time(request.decided_at),
    }


def _delivery(receipt: WebhookReceipt) -> Shown:
    return {
        "svix_id": receipt.svix_id,
        "type": receipt.type,
        "status": receipt.status,
        "received_at": time(receipt.received_at),
        "processed_at": time(receipt.processed_at),
        "content_kept": receipt.content_kept,  # type: ignore[attr-defined]  # annotated
    }


def _old_account(account: LegacyAccount) -> Shown:
    return {
        "imported_at": time(account.imported_at),
        "opened": account.opened,
        "kept": account.kept,
    }


def _old_transaction(row: LegacyTransaction) -> Shown:
    """Leave out the details: they name who invited whom."""
    return {
        "id": row.legacy_id,
        "event_type": row.event_type,
        "at": time(row.at),
        "amounts": Amounts(row.stars, row.free_points, row.coins, row.exp).as_dict(),
    }


def _section(name: str, model: type[Model], field: str, shown: Callable[[Any], Shown]) -> Section:
    """Return the section of a model's rows whose `field` is the person."""

    def rows(user: User) -> QuerySet[Any]:
        return model._default_manager.filter(**{field: user})

    return Section(name, f"{model._meta.label}.{field}", rows, shown)


SECTIONS = (
    Section(
        "codes",
        "referrals.ReferralCode.owner",
        lambda user: ReferralCode.objects.filter(owner=user).select_related("program"),
        _code,
    ),
    Section(
        "captures",
        "referrals.Capture.user",
        lambda user: Capture.objects.filter(
            Q(user=user)
            | Q(browser_session__in=BrowserSession.objects.filter(adopted_by=user), user=None)
        ).select_related("code"),
        _capture,
    ),
    _section("browser_sessions", BrowserSession, "adopted_by", _browser_session),
    _section("devices", UserDevice, "user", _device),
    Section(
        "invited_by",
        "referrals.Attribution.referee",
        lambda user: (
            Attribution.objects.with_names().filter(referee=user).prefetch_related("timeline")
        ),
        _invited_by,
    ),
    Section(
        "invited",
        "referrals.Attribution.referrer",
        lambda user: Attribution.objects.with_names().filter(referrer=user),
        _invited,
    ),
    _section("claims", Decision, "referee", _claim),
    _section("claims_of_their_codes", Decision, "referrer", _claim_of_their_code),
    _section("events", QualifyingEvent, "user", _event),
    Section(
        "transactions",
        "rewards.Transaction.user",
        lambda user: Transaction.objects.of(user.pk).with_amounts(),
        _transaction,
    ),
    _section("grant_requests", GrantRequest, "user", _grant_request),
    Section(
        "deliveries",
        "accounts.WebhookReceipt.clerk_id",
        lambda user: (
            WebhookReceipt.objects.filter(clerk_id=user.clerk_id)
            .defer("payload")
            .annotate(content_kept=Q(payload__isnull=False))
        ),
        _delivery,
    ),
    _section("old_account", LegacyAccount, "user", _old_account),
    _section("old_transactions", LegacyTransaction, "user", _old_transaction),
)
