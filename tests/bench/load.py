"""Send prepared requests over a few kept-alive connections, as fast as the answers come.

One thread and plain sockets: a real HTTP client in Python would cost more than some of the servers.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence

HEADERS_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class UnexpectedAnswer(Exception):
    """The server did not answer with success."""


class Connection:
    """One client: a request goes out when the answer to the one before is in."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def has_answer(self) -> bool:
        """Take in what has come; say whether the answer is complete, and a success."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise UnexpectedAnswer("The server closed the connection.")
        self.received += chunk
        head, end, body = self.received.partition(HEADERS_END)
        if not end or len(body) < _length(head):
            return False
        if not head.startswith(b"HTTP/1.1 2"):
            raise UnexpectedAnswer(self.received.decode(errors="replace"))
        self.received = b""
        return True


def send_all(port: int, requests: Sequence[bytes], *, connections: int) -> float:
    """Send `requests`, each once; return how many were answered in a second."""
    waiting = iter(requests)
    clients = [Connection(port) for _ in range(min(connections, len(requests)))]
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        started = time.perf_counter()
        for client in clients:
            client.socket.sendall(next(waiting))
        _serve(selector, waiting, len(requests))
        seconds = time.perf_counter() - started
    for client in clients:
        client.socket.close()
    return len(requests) / seconds


def _serve(selector: selectors.BaseSelector, waiting: Iterator[bytes], outstanding: int) -> None:
    while outstanding:
        for key, _ in selector.select():
            if not key.data.has_answer():
                continue
            outstanding -= 1
            if (request := next(waiting, None)) is not None:
                key.data.socket.sendall(request)


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return int(lowered[start:].split(b"\r\n", 1)[0])
