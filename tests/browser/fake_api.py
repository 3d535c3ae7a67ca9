"""The API as a page sees it, played by Playwright's routes: each answer is a test's choice."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, Route

MODULE = Path("mimivibes/static/mimivibes/referrals.js").resolve()
APP = "https://app.test"
API = "https://api.test"
CAPTURE = {
    "code": "NOK23456",
    "scope": "browser_session",
    "captured_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-31T00:00:00Z",
}
ATTRIBUTION = {"attribution": {"id": "1", "status": "pending", "code": "NOK23456"}}
PAGE = """<!doctype html><title>An app</title><script type="module">
  import { createReferrals, ReferralsError } from "/referrals.js";
  window.token = null;
  window.tokenRequests = [];
  window.errors = [];
  window.create = (options) => createReferrals({
    getToken: async (options) => { tokenRequests.push(options); return window.token; },
    onError: (error) => errors.push(error.code),
    ...options,
  });
  window.codeOf = (promise) => promise.then(() => null, (error) => error.code);
  window.ready = true;
</script>"""


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, **headers: str) -> Answer:
    return Answer(status, {"code": code, "detail": f"It is {code}."}, headers)


NO_CONNECTION = Answer(0)
Reply = Answer | Callable[[Request], Answer]


class FakeApi:
    """Serves `APP`'s page and plays `API`: queued answers first, else a sensible one."""

    def __init__(self, context: BrowserContext) -> None:
        self.queue: dict[str, list[Reply]] = {}
        self.requests: list[Request] = []
        context.route(f"{APP}/**", self._page)
        context.route("**/api/v1/**", self._api)

    def answer(self, path: str, *replies: Reply) -> None:
        """Give these answers, in order, to the next calls of `path`."""
        self.queue.setdefault(path, []).extend(replies)

    def calls(self, path: str) -> list[Request]:
        return [request for request in self.requests if _path(request) == path]

    def _page(self, route: Route) -> None:
        if route.request.url.endswith("/referrals.js"):
            route.fulfill(path=MODULE, content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    def _api(self, route: Route) -> None:
        request = route.request
        cors = {
            "Access-Control-Allow-Origin": APP,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": "authorization, content-type, x-browser-session",
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Expose-Headers": "X-Browser-Session, Retry-After",
        }
        if request.method == "OPTIONS":
            route.fulfill(status=204, headers=cors)
            return
        self.requests.append(request)
        queued = self.queue.get(_path(request))
        reply = queued.pop(0) if queued else _usual(request)
        answer = reply if isinstance(reply, Answer) else reply(request)
        if answer.status == 0:
            route.abort("connectionfailed")
            return
        route.fulfill(
            status=answer.status,
            headers={**cors, **answer.headers},
            content_type="application/json",
            body="" if answer.body is None else json.dumps(answer.body),
        )


def open_page(page: Page, address: str = "/") -> Page:
    """Open the app and wait until its module has run."""
    page.goto(f"{APP}{address}")
    page.wait_for_function("window.ready")
    return page


def token_of(person: str, serial: int = 1) -> str:
    """Return what looks like a session token; nobody verifies it here."""
    payload = base64.urlsafe_b64encode(json.dumps({"sub": person, "n": serial}).encode()).decode()
    return f"e30.{payload.rstrip('=')}.signature"


def _path(request: Request) -> str:
    return urlsplit(request.url).path.removeprefix("/api/v1/")


def _usual(request: Request) -> Answer:
    if request.method == "DELETE":
        return Answer(204)
    return {
        "referrals/captures": Answer(201, CAPTURE),
        "referrals/captures/current": Answer(200, {"capture": CAPTURE}),
        "referrals/claim": Answer(201, ATTRIBUTION),
    }.get(_path(request), Answer(200, {}))
