"""People and back ends, as they speak to the API."""

import itertools
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from threading import Barrier
from typing import Any

import httpx

from deploy.trial.clerk import Clerk

SECONDS = 20
_addresses = itertools.count(int(IPv4Address("10.0.0.1")))


class Caller:
    """Speaks to one address: nginx, or an app group past it; `at` lends its connections."""

    def __init__(
        self, port: int, headers: dict[str, str] | None = None, *, at: "Caller | None" = None
    ) -> None:
        self.headers = {"X-Forwarded-Proto": "https", **(headers or {})}
        self.http: httpx.Client = at.http if at else _client(port)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.http.request(method, path, json=body, headers={**self.headers, **headers})

    def post_raw(self, path: str, body: str, headers: dict[str, str]) -> httpx.Response:
        """Send a body as it is: it was signed."""
        return self.http.post(path, content=body, headers={**self.headers, **headers})


def _client(port: int) -> httpx.Client:
    return httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/v1/",
        timeout=SECONDS,
        trust_env=False,
        verify=False,  # noqa: S501  (plain HTTP on loopback; to load certificates takes long)
    )


class Person(Caller):
    """Somebody in a browser of their own, visitor until they sign in."""

    def __init__(
        self, port: int, clerk: Clerk, name: str, *, clerk_id: str = "", at: Caller | None = None
    ) -> None:
        super().__init__(port, {"X-Forwarded-For": str(IPv4Address(next(_addresses)))}, at=at)
        self.clerk, self.clerk_id = clerk, clerk_id or f"user_{name}{uuid.uuid4().hex[:12]}"
        self.is_signed_in = True
        self.browser_session = ""

    def at(self, port: int) -> "Person":
        """Return the same person, asking at another address."""
        return Person(port, self.clerk, "", clerk_id=self.clerk_id)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        if self.is_signed_in:
            headers["Authorization"] = f"Bearer {self.clerk.token(self.clerk_id)}"
        if self.browser_session:
            headers["X-Browser-Session"] = self.browser_session
        response = super().send(method, path, body, **headers)
        self.browser_session = response.headers.get("X-Browser-Session", self.browser_session)
        return response

    def me(self) -> dict[str, Any]:
        return dict(self.send("GET", "me").raise_for_status().json())

    def claim(self, code: str | None = None) -> httpx.Response:
        return self.send("POST", "referrals/claim", {"code": code} if code else {})


class Service(Caller):
    """The web app's own back end, with an API key."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(port, {"Authorization": f"Api-Key {key}"})

    def event(self, event_id: str, clerk_id: str) -> httpx.Response:
        body = {"id": event_id, "type": "reading.completed", "user_id": clerk_id}
        return self.send("POST", "events", body)

    def spend(self, key: str, clerk_id: str, amount: int) -> httpx.Response:
        body = {
            "user_id": clerk_id,
            "amount": amount,
            "from": ["free_points", "stars"],
            "reason": "A reading",
        }
        return self.send("POST", "rewards/spend", body, **{"Idempotency-Key": key})

    def grant(self, key: str, clerk_id: str, **amounts: int) -> httpx.Response:
        body = {"user_id": clerk_id, "amounts": amounts, "reason": "A gift"}
        return self.send("POST", "rewards/grants", body, **{"Idempotency-Key": key})


def at_once(actions: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Start all `actions` at the same moment; return the answers in their order."""
    barrier = Barrier(len(actions))

    def begin(action: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(begin, actions))
