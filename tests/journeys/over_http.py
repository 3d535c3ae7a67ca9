"""Browsers, services and Clerk, as the running server meets them: over HTTP."""

import ipaddress
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, TypeVar

import httpx
from django.utils import timezone

from accounts.services import create_api_key
from tests.clerk import signed
from tests.people import Browser

Answer = TypeVar("Answer")

AT_ONCE = 16
_addresses = itertools.count(int(ipaddress.IPv4Address("10.0.0.1")))


class HttpBrowser(Browser):
    """A browser, or one tab of it when it shares another's `jar`; each has its own address.

    The jar is our own: like a browser, and unlike httpx, it trusts `http://localhost` with cookies
    that are marked as secure.
    """

    def __init__(
        self, site: "Site", *, header_mode: bool = False, jar: dict[str, str] | None = None
    ) -> None:
        self.header_mode = header_mode
        self.browser_session: str | None = None
        self.person = None
        self.address = str(ipaddress.IPv4Address(next(_addresses)))
        self.jar = {} if jar is None else jar
        self.http = site.client()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"X-Forwarded-For": self.address, **headers}
        if self.person:
            sent.setdefault("Authorization", f"Bearer {self.person.token()}")
        if not self.header_mode and self.jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        if self.header_mode and self.browser_session:
            sent["X-Browser-Session"] = self.browser_session
        response = self.http.request(method, f"/api/v1/{path}", json=body, headers=sent)
        self.jar.update(response.cookies)
        self.browser_session = response.headers.get("X-Browser-Session", self.browser_session)
        return response


@dataclass
class Service:
    """Another back end, with its API key."""

    http: httpx.Client
    api_key: str

    def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """Post `body` under the idempotency key `key`."""
        headers = {"Authorization": f"Api-Key {self.api_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.post(f"/api/v1/{path}", json=body, headers=headers)

    def report(self, event_id: str, clerk_id: str, **fields: Any) -> httpx.Response:
        """Report a completed reading."""
        event = {"id": event_id, "type": "reading.completed", "user_id": clerk_id, **fields}
        return self.post("events", event)

    def spend(self, clerk_id: str, amount: int, *, key: str) -> httpx.Response:
        body = {
            "user_id": clerk_id,
            "amount": amount,
            "from": ["free_points", "stars"],
            "reason": "A reading",
        }
        return self.post("rewards/spend", body, key=key)


@dataclass
class Site:
    """The running server.

    Each request has a connection of its own, so that any worker may get it.
    """

    base_url: str
    transport: httpx.HTTPTransport = field(
        default_factory=lambda: httpx.HTTPTransport(
            verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
    )

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.base_url, transport=self.transport, timeout=30, trust_env=False
        )

    def browser(
        self, *, header_mode: bool = False, jar: dict[str, str] | None = None
    ) -> HttpBrowser:
        return HttpBrowser(self, header_mode=header_mode, jar=jar)

    def service(self, *scopes: str) -> Service:
        """Return a service with an API key for `scopes`, all of them if none are named."""
        wanted = scopes or ("events", "rewards:spend", "rewards:grant")
        _, key = create_api_key(name="readings", scopes=wanted, now=timezone.now())
        return Service(self.client(), key)

    def deliver(self, payload: dict[str, Any], *, svix_id: str | None = None) -> httpx.Response:
        """Deliver a signed webhook, as Clerk does."""
        body, headers = signed(payload, svix_id=svix_id)
        return self.client().post(
            "/api/v1/webhooks/clerk",
            content=body,
            headers={**headers, "Content-Type": "application/json"},
        )


def at_once(actions: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Start all `actions` at the same moment, each in a thread; return their results in order."""
    barrier = Barrier(len(actions))

    def begin(action: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(begin, actions))
