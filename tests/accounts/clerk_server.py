"""A local HTTP server that plays Clerk: its JWKS and its Backend API's users."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm


class ClerkServer:
    """Serves `users` and `keys`; `troubles` are answered first, one for each request.

    A trouble is a status, a status with headers, raw bytes to answer 200 with, or "silence".
    """

    def __init__(self) -> None:
        self.users: list[dict[str, Any]] = []
        self.keys: dict[str, str] = {}
        self.troubles: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.pause = 0.0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "ClerkServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/.well-known/jwks.json":
            return {"keys": [jwk(kid, pem) for kid, pem in self.keys.items()]}
        users = sorted(self.users, key=lambda user: user["created_at"])
        if "user_id" in query:
            users = [user for user in users if user["id"] in query["user_id"]]
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        return users[offset : offset + limit]


def jwk(kid: str, public_pem: str) -> dict[str, Any]:
    """Return a public key as Clerk publishes it."""
    key = serialization.load_pem_public_key(public_pem.encode())
    entry: dict[str, Any] = RSAAlgorithm.to_jwk(key, as_dict=True)  # type: ignore[call-overload]
    return {**entry, "use": "sig", "alg": "RS256", "kid": kid}


def _handler(clerk: ClerkServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            clerk.requests.append(
                {"path": parts.path, "query": query, "headers": dict(self.headers)}
            )
            time.sleep(clerk.pause)
            trouble = clerk.troubles.pop(0) if clerk.troubles else None
            if trouble == "silence":
                time.sleep(0.5)
                return
            if trouble is None:
                self.reply(200, json.dumps(clerk.answer(parts.path, query)).encode())
            elif isinstance(trouble, bytes):
                self.reply(200, trouble)
            else:
                status, headers = trouble if isinstance(trouble, tuple) else (trouble, {})
                self.reply(status, b"{}", headers)

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
