"""Listen to a signal for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """Yield a list of what the signal says, each as its keyword arguments."""
    facts: list[dict[str, Any]] = []

    def listen(**fact: Any) -> None:
        facts.append(fact)

    signal.connect(listen)
    try:
        yield facts
    finally:
        signal.disconnect(listen)
