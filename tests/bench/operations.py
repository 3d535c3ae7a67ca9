"""The calls that are measured: how to build the `serial`-th request of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone

from referrals.browser_session import HEADER, BrowserToken
from referrals.models import ReferralCode
from referrals.services.claims import hashed_address
from tests.bench.population import KNOWN, READERS, clerk_id, code_of, known
from tests.clerk import event, session_token, signed, user_object

HOUR = 3600
BATCH = 500


@dataclass(frozen=True, slots=True)
class Request:
    """A request, not yet sent anywhere."""

    method: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self, path: str, **more: str) -> bytes:
        """Return the bytes that ask `path` of a server, with `more` headers."""
        headers = {
            "Host": "localhost",
            "Content-Type": "application/json",
            "Content-Length": str(len(self.body)),
            **self.headers,
            **more,
        }
        lines = [f"{self.method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def _nothing(serial: int) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API.

    `first` is the serial of its first request; `pace` about how many a second it manages, so that a
    round takes about as long as was asked for. `varying` names text of request `serial` that
    another request has differently and that the serial alone does not explain.
    """

    name: str
    path: str
    build: Callable[[int], Request]
    first: int
    pace: int
    connections: int = 8
    varying: Callable[[int], dict[str, str]] = _nothing


def operations(api_key: str) -> list[Operation]:
    """Return the measured calls, in the order of the table; services use `api_key`."""

    def service(body: dict[str, Any], **headers: str) -> Request:
        return _post(body, Authorization=f"Api-Key {api_key}", **headers)

    def one_event(serial: int) -> Request:
        return service(_reading(f"evt-{serial}", serial))

    def batch(serial: int) -> Request:
        people = [KNOWN + n % READERS for n in range(BATCH)]
        events = [_reading(f"evt-{serial}-{n}", person) for n, person in enumerate(people)]
        return service({"events": events})

    def spend(serial: int) -> Request:
        body = {
            "user_id": clerk_id(known(serial)),
            "amount": 1,
            "from": ["free_points", "stars"],
            "reason": "A reading",
        }
        return service(body, **{"Idempotency-Key": f"key-{serial}"})

    return [
        Operation("GET /me", "/api/v1/me", _me, 2_000_000_000, 900),
        Operation("capture", "/api/v1/referrals/captures", _capture, 2_200_000_000, 500),
        Operation(
            "claim", "/api/v1/referrals/claim", _claim, 2_400_000_000, 150, varying=_address_hashes
        ),
        Operation("event", "/api/v1/events", one_event, 2_600_000_000, 200),
        Operation("batch of 500 events", "/api/v1/events/batch", batch, 2_800_000_000, 8, 1),
        Operation("spend", "/api/v1/rewards/spend", spend, 3_000_000_000, 300),
        Operation(
            "webhook",
            "/api/v1/webhooks/clerk",
            _webhook,
            3_200_000_000,
            300,
            varying=_code_of_the_new_person,
        ),
    ]


def bearer(number: int) -> str:
    return f"Bearer {_token(number)}"


@lru_cache(maxsize=20_000)
def _token(number: int) -> str:
    now = datetime.now(UTC).timestamp()
    return session_token(clerk_id(number), issued_at=now, exp=int(now) + HOUR)


def _post(body: dict[str, Any], **headers: str) -> Request:
    return Request("POST", json.dumps(body).encode(), headers)


def _me(serial: int) -> Request:
    """A person whose device is recorded looks at themselves."""
    person = known(serial)
    return Request("GET", headers={"Authorization": bearer(person), HEADER: _device_of(person)})


@lru_cache(maxsize=20_000)
def _device_of(person: int) -> str:
    return BrowserToken.issue().as_recorded_for(person).signed()


def _capture(serial: int) -> Request:
    """A visitor opens an invitation in a browser that was never here."""
    return _post({"code": code_of(known(serial))}, **{"X-Forwarded-For": _address(serial)})


def _claim(serial: int) -> Request:
    """A new person, known since a moment ago, claims what they opened."""
    headers = {
        "Authorization": bearer(serial),
        HEADER: _device_of(serial),
        "X-Forwarded-For": _address(serial),
    }
    return _post({}, **headers)


def _address(serial: int) -> str:
    return ".".join(str(byte) for byte in (serial % 2**24 + (10 << 24)).to_bytes(4, "big"))


def _address_hashes(serial: int) -> dict[str, str]:
    hashed = hashed_address(_address(serial), timezone.now().date())
    return {hashed: f"{hashed[:-10]}:serial"}


def _reading(event_id: str, person: int) -> dict[str, str]:
    return {"id": event_id, "type": "reading.completed", "user_id": clerk_id(person)}


def _webhook(serial: int) -> Request:
    """Clerk tells of a person whom nobody has seen."""
    user = user_object(f"hook_{serial}", email=f"ploy-{serial}@example.com", first_name="Ploy")
    body, headers = signed(event("user.created", user), svix_id=f"msg_{serial}")
    return Request("POST", body.encode(), headers)


def _code_of_the_new_person(serial: int) -> dict[str, str]:
    return {ReferralCode.objects.get(owner__clerk_id=f"hook_{serial}").code: "B:serial"}
