"""A local HTTP server that plays Svix: applications, event types, messages; and its faults."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "testsk_outbox"
APP = "web-app"
TIME = "2026-11-22T10:00:00Z"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # as many as may connect at the same moment


class SvixServer:
    """Keeps `messages` by event id; `troubles` are answered first, one for each request.

    A trouble is a status, a status with headers, raw bytes to answer 202 with, "silence", or
    "taken, then silence": the message is kept, and the sender does not learn of it.
    """

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.apps = {APP}
        self.event_types: dict[str, str] = {}
        self.troubles: list[Any] = []
        self.requests: list[str] = []
        self.silence = 0.6
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "SvixServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def trouble(self, path: str) -> Any:
        with self._lock:
            self.requests.append(path)
            return self.troubles.pop(0) if self.troubles else None

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        parts = path.partition("?")[0].removeprefix("/api/v1/").strip("/").split("/")
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


def _handler(svix: SvixServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            trouble = svix.trouble(self.path)
            if trouble == "taken, then silence":
                svix.answer(self.command, self.path, body)
            if trouble in ("silence", "taken, then silence"):
                time.sleep(svix.silence)
            elif isinstance(trouble, bytes):
                self.reply(202, trouble)
            elif trouble is not None:
                status, headers = trouble if isinstance(trouble, tuple) else (trouble, {})
                self.reply(status, b'{"code": "trouble", "detail": "Told so"}', headers)
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.reply(401, b'{"code": "authentication_failed", "detail": "Invalid token"}')
            else:
                status, answer = svix.answer(self.command, self.path, body)
                self.reply(status, json.dumps(answer).encode())

        do_PUT = do_POST  # noqa: N815

        def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
