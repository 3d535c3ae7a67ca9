"""Write down what the web app is to be told, in the transaction in which it happens."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from outbox.models import OutboxMessage


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its type, as Svix knows it, and what is told of it (JSON)."""

    type: str
    data: dict[str, Any]


_is_silenced: ContextVar[bool] = ContextVar("outbox_is_silenced", default=False)


def is_on() -> bool:
    """Return whether anything is written at all. Ask before you read what an event would tell."""
    return bool(settings.SVIX_TOKEN) and not _is_silenced.get()


@contextmanager
def silenced() -> Iterator[None]:
    """Write nothing meanwhile, in this thread: for an import, which is no news to the web app."""
    token = _is_silenced.set(True)
    try:
        yield
    finally:
        _is_silenced.reset(token)


def publish(events: Sequence[Event], *, now: datetime) -> None:
    """Keep `events` in the outbox, in order, by one statement; by none if it is off.

    They are sent once the present database transaction has committed, and never if it has not.
    Raises `TransactionManagementError` outside of one: what is told must not outlive what happened.
    """
    if not events or not is_on():
        return
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Publish in the transaction of the change.")
    OutboxMessage.objects.bulk_create(
        OutboxMessage(type=event.type, data=event.data, created_at=now, due_at=now)
        for event in events
    )
