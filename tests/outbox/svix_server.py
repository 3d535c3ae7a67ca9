"""A local HTTP server that plays Svix: applications, event types, messages; and its faults."""

import json
import threading
import time
from typing import Any

from tests.local_server import LocalServer, Reply, Request, trouble

TOKEN = "testsk_outbox"
APP = "web-app"
TIME = "2026-11-22T10:00:00Z"


class SvixServer(LocalServer):
    """Keeps `messages` by event id; `troubles` are answered first, one for each request.

    A trouble is a status, a status with headers, raw bytes to answer 202 with, "silence", or
    "taken, then silence": the message is kept, and the sender does not learn of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.apps = {APP}
        self.event_types: dict[str, str] = {}
        self.troubles: list[Any] = []
        self.requests: list[str] = []
        self.silence = 0.6
        self._lock = threading.Lock()

    def reply(self, request: Request) -> Reply | None:
        with self._lock:
            self.requests.append(request.path)
            told = self.troubles.pop(0) if self.troubles else None
        if told == "taken, then silence":
            self.answer(request)
        if told in ("silence", "taken, then silence"):
            time.sleep(self.silence)
            return None
        if told is not None:
            return trouble(told, well=202)
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return Reply(401, b'{"code": "authentication_failed", "detail": "Invalid token"}')
        status, answer = self.answer(request)
        return Reply(status, json.dumps(answer).encode())

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        method, body = request.method, json.loads(request.body)
        parts = request.path.partition("?")[0].removeprefix("/api/v1/").strip("/").split("/")
        with self._lock:
            if method == "POST" and parts == ["app"]:
                self.apps.add(body["uid"])
                return 200, {
                    "id": "app_1", "name": body["name"], "uid": body["uid"], "metadata": {},
                    "createdAt": TIME, "updatedAt": TIME,
                }  # fmt: skip
            if method == "PUT" and parts[0] == "event-type":
                self.event_types[parts[1]] = body["description"]
                return 200, {
                    "name": parts[1], "description": body["description"], "deprecated": False,
                    "createdAt": TIME, "updatedAt": TIME,
                }  # fmt: skip
            if parts[0] == "app" and parts[1] in self.apps and parts[2:] == ["msg"]:
                return self._take(body)
        return 404, {"code": "not_found", "detail": "Entity not found"}

    def _take(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["eventId"] in self.messages:
            return 409, {"code": "event_id_already_exists", "detail": "Known"}
        self.messages[body["eventId"]] = body
        return 202, {
            "id": f"msg_{len(self.messages)}", "eventId": body["eventId"],
            "eventType": body["eventType"], "payload": {}, "timestamp": TIME,
        }  # fmt: skip
