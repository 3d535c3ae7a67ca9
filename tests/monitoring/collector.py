"""A local HTTP server that keeps what is sent to it: an OTLP collector, and Sentry."""

import gzip

from tests.local_server import LocalServer, Reply, Request


class Collector(LocalServer):
    """Keeps what was posted, as path and body."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[str, bytes]] = []

    def reply(self, request: Request) -> Reply:
        is_packed = request.headers.get("Content-Encoding") == "gzip"
        body = gzip.decompress(request.body) if is_packed else request.body
        self.received.append((request.path, body))
        return Reply()

    def bodies(self, path: str) -> list[bytes]:
        return [body for posted, body in self.received if posted == path]
