"""Webhook deliveries: from signed bytes to an event that may be believed, and stored.

Svix signs for Clerk (https://docs.svix.com/receiving/verifying-payloads/how-manual).
"""

import base64
import binascii
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.clerk import values

if TYPE_CHECKING:
    from svix.webhooks import Webhook

TOLERANCE_SECONDS = 300
TYPE_LENGTH = 100
NOT_KEPT = {"event_attributes", "latest_activity", "client_ip", "ip_address", "user_agent"}
"""Where Clerk tells from which address and with which browser somebody came: we do not keep it."""


class SignatureInvalid(Exception):
    """The delivery is malformed, unsigned, or too old or too new."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature is good: any JSON value, made storable, without addresses."""

    svix_id: str
    payload: Any

    @property
    def type(self) -> str:
        kind = self.payload.get("type") if isinstance(self.payload, dict) else None
        return kind[:TYPE_LENGTH] if isinstance(kind, str) else ""

    @property
    def data(self) -> dict[str, Any]:
        data = self.payload.get("data") if isinstance(self.payload, dict) else None
        return data if isinstance(data, dict) else {}

    @property
    def clerk_id(self) -> str:
        """Whom it is about, if that can be told: the user, or the user of a session or the like."""
        if self.type.startswith("user."):
            return values.identifier(self.data.get("id")) or ""
        return values.identifier(self.data.get("user_id")) or ""


def verified_delivery(*, body: bytes, headers: Mapping[str, str], now: datetime) -> Delivery:
    """Return the delivery if one of `CLERK_WEBHOOK_SECRET` signed it within five minutes of `now`.

    Raises `SignatureInvalid`.
    """
    svix_id = values.identifier(headers.get("svix-id"))
    timestamp = headers.get("svix-timestamp", "")
    signature = headers.get("svix-signature", "")
    if svix_id is None or not _is_recent(timestamp, now):
        raise SignatureInvalid
    signed = {"svix-id": svix_id, "svix-timestamp": timestamp, "svix-signature": signature}
    if not any(_has_signed(secret, body, signed) for secret in settings.CLERK_WEBHOOK_SECRETS):
        raise SignatureInvalid
    try:
        payload = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        return Delivery(svix_id, _storable(payload))
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid(_("The body is not JSON.")) from error


def secret_of(text: str) -> bytes:
    """Return the bytes of a signing secret; raise `ValueError` if it is empty or undecodable.

    Stricter than svix, which makes a secret of almost any text.
    """
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not base64") from error
    if not secret:
        raise ValueError("it is empty")
    return secret


def _is_recent(timestamp: str, now: datetime) -> bool:
    """Whole seconds only; svix would take fractions and much else that float() reads."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(int(timestamp) - now.timestamp()) <= TOLERANCE_SECONDS


def _has_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    from svix.webhooks import WebhookVerificationError

    try:
        _verifier(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):  # ValueError: it leaks what it decodes
        return False
    return True


@lru_cache(maxsize=8)
def _verifier(secret: str) -> "Webhook":
    # Importing svix takes longer than the rest of Django's start; commands need not wait for it.
    from svix.webhooks import Webhook

    return Webhook(secret_of(secret))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return values.storable(value)
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in NOT_KEPT}
        return {values.storable(key): _storable(item) for key, item in kept.items()}
    if isinstance(value, Iterable):
        return [_storable(item) for item in value]
    return value
