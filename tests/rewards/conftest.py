"""The ledger's people, and the back end that spends and grants for them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_api_key
from rewards.amounts import Amounts
from rewards.services import grant, verify_ledger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Service:
    """Another back end: it sends its API key, and a new `Idempotency-Key` unless told which."""

    api_key: str
    sent: int = 0

    def post(self, path: str, body: Any, **headers: str) -> Any:
        self.sent += 1
        return Client(raise_request_exception=False).post(
            f"/api/v1/{path}",
            data=body if isinstance(body, str) else json.dumps(body),
            content_type="application/json",
            headers={
                "Authorization": f"Api-Key {self.api_key}",
                "Idempotency-Key": f"request {self.sent}",
                **headers,
            },
        )


@pytest.fixture
def service(db: Any) -> Service:
    _, key = create_api_key(name="readings", scopes=["rewards:spend", "rewards:grant"], now=NOW)
    return Service(key)


@pytest.fixture
def ploys_id(db: Any) -> int:
    """Ploy's row, with nothing on the ledger yet."""
    return User.objects.create(clerk_id="user_ploy", first_name="Ploy").pk


@pytest.fixture
def give(ploys_id: int) -> Callable[..., Any]:
    """Grant Ploy amounts, e.g. `give(stars=3)`."""
    keys = (f"given {number}" for number in range(1000))

    def give(**amounts: int) -> Any:
        return grant(
            user_id=ploys_id, amounts=Amounts(**amounts), kind="grant", key=next(keys), now=NOW
        )

    return give


@pytest.fixture(autouse=True)
def _sound_ledger(db: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """Prove the ledger after every test, but those that break it on purpose."""
    yield
    if not request.node.get_closest_marker("breaks_the_ledger"):
        assert verify_ledger() == []
