"""A local HTTP server that plays Clerk: its JWKS and its Backend API's users."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

from tests.local_server import LocalServer, Reply, Request, trouble


class ClerkServer(LocalServer):
    """Serves `users` and `keys`; `troubles` are answered first, one for each request.

    A trouble is a status, a status with headers, raw bytes to answer 200 with, or "silence".
    """

    def __init__(self) -> None:
        super().__init__()
        self.users: list[dict[str, Any]] = []
        self.keys: dict[str, str] = {}
        self.troubles: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.pause = 0.0

    def reply(self, request: Request) -> Reply | None:
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        self.requests.append({"path": parts.path, "query": query, "headers": request.headers})
        time.sleep(self.pause)
        told = self.troubles.pop(0) if self.troubles else None
        if told == "silence":
            time.sleep(0.5)
            return None
        if told is not None:
            return trouble(told)
        return Reply(body=json.dumps(self.answer(parts.path, query)).encode())

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
