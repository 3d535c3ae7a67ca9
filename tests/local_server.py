"""A local HTTP server that plays somebody else's service."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


@dataclass(frozen=True)
class Request:
    """What was asked; the path is with its query."""

    method: str
    path: str
    headers: Message
    body: bytes


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class LocalServer:
    """Answers by `reply`, in threads, on a free port of this machine while its block lasts."""

    def __init__(self, port: int = 0) -> None:
        self._http = _Server(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reply(self, request: Request) -> Reply | None:
        """Return the answer, or None to hang up without one."""
        raise NotImplementedError


def trouble(told: Any, *, well: int = 200) -> Reply:
    """Make an answer of a status, of a status with headers, or of bytes to answer `well` with."""
    if isinstance(told, bytes):
        return Reply(well, told)
    status, headers = told if isinstance(told, tuple) else (told, {})
    return Reply(status, b'{"code": "trouble", "detail": "Told so"}', headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # as many as may connect at the same moment


def _handler(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = server.reply(Request(self.command, self.path, self.headers, body))
            if reply is None:
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Keep the tests' output quiet."""

    return Handler
