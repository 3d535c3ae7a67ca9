"""Clerk, as the trial plays it: real session tokens, really signed webhooks."""

import base64
import json
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from svix.webhooks import Webhook

ISSUER = "https://clerk.trial.invalid"
ORIGIN = "https://app.trial.invalid"
SESSION = {"kid": "ins_trial", "cat": "cl_B7d4PD111AAA"}


class Clerk:
    """The keys of one trial, and what is signed with them."""

    def __init__(self) -> None:
        self.private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    @property
    def public_key(self) -> str:
        return (
            self.private_key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def token(self, clerk_id: str) -> str:
        """Return a session token of somebody whose account is a minute old."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "azp": ORIGIN,
            "sub": clerk_id,
            "sid": f"sess_{clerk_id}",
            "iat": now,
            "nbf": now - 10,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
            "v": 2,
            "sts": "active",
            "fva": [1, -1],
            "first_name": clerk_id[-8:],
            "account_created_at": now - 60,
        }
        return jwt.encode(claims, self.private_key, algorithm="RS256", headers=SESSION)

    def delivery(self, kind: str, data: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """Return body and headers of a webhook."""
        now, svix_id = datetime.now(UTC), f"msg_{uuid.uuid4().hex}"
        body = json.dumps(
            {"type": kind, "object": "event", "data": data, "timestamp": _milliseconds(now)}
        )
        return body, {
            "Content-Type": "application/json",
            "svix-id": svix_id,
            "svix-timestamp": str(int(now.timestamp())),
            "svix-signature": Webhook(self.webhook_secret).sign(svix_id, now, body),
        }

    def user(self, clerk_id: str, first_name: str) -> dict[str, Any]:
        """Return Clerk's user object."""
        now = _milliseconds(datetime.now(UTC))
        return {
            "id": clerk_id,
            "object": "user",
            "first_name": first_name,
            "last_name": None,
            "email_addresses": [],
            "primary_email_address_id": None,
            "image_url": None,
            "banned": False,
            "locked": False,
            "created_at": now - 60_000,
            "updated_at": now,
        }


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
