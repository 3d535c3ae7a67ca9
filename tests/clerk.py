"""Clerk as the tests play it: real RS256 session tokens and really signed webhooks."""

import json
import time
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from svix.webhooks import Webhook

from tests.settings import APP_ORIGIN, ISSUER, ISSUER_PRIVATE_KEY, WEBHOOK_SECRET

SESSION_CATEGORY = "cl_B7d4PD111AAA"


def session_token(
    sub: str,
    *,
    key: str = ISSUER_PRIVATE_KEY,
    headers: dict[str, Any] | None = None,
    issued_at: float | None = None,
    without: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """Return a version 2 session token for `sub`; `claims` add or replace, `without` drops."""
    now = int(issued_at if issued_at is not None else time.time())
    payload = {
        "azp": APP_ORIGIN,
        "exp": now + 60,
        "fva": [1, -1],
        "iat": now,
        "iss": ISSUER,
        "jti": uuid.uuid4().hex,
        "nbf": now - 10,
        "sid": f"sess_{sub}",
        "sts": "active",
        "sub": sub,
        "v": 2,
        **claims,
    }
    for name in without:
        del payload[name]
    return jwt.encode(
        payload,
        _parsed(key),
        algorithm="RS256",
        headers={"kid": "ins_test", "cat": SESSION_CATEGORY, **(headers or {})},
    )


@cache
def _parsed(pem: str) -> Any:
    # Parsed anew, and proved to be an RSA key, it costs many times the signature.
    return load_pem_private_key(pem.encode(), password=None)


def user_object(
    clerk_id: str,
    *,
    email: str | None = None,
    email_verified: bool = True,
    created_at: datetime | None = None,
    updated_at: datetime | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return Clerk's user object, as its webhooks and its Backend API give it."""
    created = created_at or datetime.now(UTC)
    addresses = []
    if email:
        addresses.append(
            {
                "id": f"idn_{clerk_id}",
                "object": "email_address",
                "email_address": email,
                "verification": {"status": "verified" if email_verified else "unverified"},
            }
        )
    return {
        "id": clerk_id,
        "object": "user",
        "username": None,
        "first_name": None,
        "last_name": None,
        "image_url": "https://img.example.com/a.png",
        "primary_email_address_id": f"idn_{clerk_id}" if email else None,
        "email_addresses": addresses,
        "banned": False,
        "locked": False,
        "created_at": milliseconds(created),
        "updated_at": milliseconds(updated_at or created),
        **fields,
    }


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a webhook's envelope, e.g. `event("user.created", user_object(...))`."""
    return {
        "data": data,
        "object": "event",
        "type": kind,
        "timestamp": milliseconds(datetime.now(UTC)),
        "instance_id": "ins_test",
    }


def signed(
    payload: dict[str, Any] | str,
    *,
    svix_id: str | None = None,
    secret: str = WEBHOOK_SECRET,
    sent_at: datetime | None = None,
) -> tuple[str, dict[str, str]]:
    """Return the body of a webhook and its three headers, signed as svix signs."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    svix_id = svix_id or f"msg_{uuid.uuid4().hex}"
    sent_at = sent_at or datetime.now(UTC)
    headers = {
        "svix-id": svix_id,
        "svix-timestamp": str(int(sent_at.timestamp())),
        "svix-signature": Webhook(secret).sign(svix_id, sent_at, body),
    }
    return body, headers


def milliseconds(at: datetime) -> int:
    """Return Clerk's notation of a time."""
    return int(at.timestamp() * 1000)
