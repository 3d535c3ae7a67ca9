"""Fixtures of the accounts tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.accounts.clerk_server import ClerkServer


@pytest.fixture
def accounts_alone(settings: Any) -> None:
    """Serve `tests/accounts/urls.py`, without the browser session that referrals adds."""
    settings.ROOT_URLCONF = "tests.accounts.urls"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "referrals" not in name]


@pytest.fixture
def clerk() -> Iterator[ClerkServer]:
    """Clerk's network edge, played by a local HTTP server."""
    with ClerkServer() as server:
        yield server
