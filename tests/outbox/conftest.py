"""An outbox that is on, and a Svix to send to."""

from collections.abc import Iterator
from typing import Any

import pytest

from outbox.svix_client import SvixClient
from tests.outbox.svix_server import APP, TOKEN, SvixServer


@pytest.fixture
def svix(settings: Any) -> Iterator[SvixServer]:
    """Svix; and the outbox, switched on, sends to it."""
    with SvixServer() as server:
        settings.SVIX_TOKEN, settings.SVIX_APP = TOKEN, APP
        settings.SVIX_SERVER_URL = server.url
        yield server


@pytest.fixture
def client(svix: SvixServer) -> SvixClient:
    return SvixClient(token=TOKEN, server_url=svix.url, app=APP)


@pytest.fixture
def impatient(svix: SvixServer) -> SvixClient:
    """A client that waits for no answer any longer than Svix may be silent."""
    return SvixClient(token=TOKEN, server_url=svix.url, app=APP, timeout=0.3)
