"""The cast and their browsers, over Django's test client.

Nok invites, Ploy is invited, Mali shares Ploy's browser, Somchai abuses.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from tests.clerk import session_token


@dataclass
class Person:
    """Somebody with a Clerk account; `claims` ride on each of their tokens."""

    clerk_id: str
    claims: dict[str, Any] = field(default_factory=dict)

    def token(self) -> str:
        return session_token(self.clerk_id, **self.claims)


def newcomer(name: str, *, age_seconds: int = 60, **claims: Any) -> Person:
    """Return a person whose Clerk account is `age_seconds` old, and known to be."""
    return Person(
        f"user_{name.lower()}",
        {
            "first_name": name,
            "account_created_at": int(time.time()) - age_seconds,
            **claims,
        },
    )


class Browser:
    """One browser: it keeps cookies (or, in header mode, the header's value) between requests."""

    def __init__(self, *, header_mode: bool = False, address: str = "203.0.113.1") -> None:
        self.client = Client(raise_request_exception=False, REMOTE_ADDR=address)
        self.header_mode = header_mode
        self.browser_session: str | None = None
        self.person: Person | None = None

    def sign_in(self, person: Person) -> "Browser":
        self.person = person
        return self

    def sign_out(self) -> "Browser":
        self.person = None
        return self

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request under `/api/v1/`; return the response, its JSON by `.json()`."""
        sent = dict(headers)
        if self.person:
            sent.setdefault("Authorization", f"Bearer {self.person.token()}")
        if self.header_mode:
            self.client.cookies.clear()
            if self.browser_session:
                sent["X-Browser-Session"] = self.browser_session
        response = self.client.generic(
            method,
            f"/api/v1/{path}",
            data=_encoded(body),
            content_type="application/json",
            headers=sent,
        )
        self.browser_session = response.headers.get("X-Browser-Session", self.browser_session)
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.request("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.request("DELETE", path, **headers)

    def open_link(self, code: str) -> Any:
        """Open an invitation: store its code for this browser, or for who is signed in."""
        return self.post("referrals/captures", {"code": code})

    def claim(self, code: str | None = None) -> Any:
        return self.post("referrals/claim", {"code": code} if code else {})

    def me(self) -> dict[str, Any]:
        response = self.get("me")
        assert response.status_code == 200, response.content
        return dict(response.json())


def _encoded(body: Any) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body)
