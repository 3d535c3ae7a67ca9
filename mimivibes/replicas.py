"""Reads that may lag a moment go to a replica, if `DATABASE_REPLICA_URL` names one.

A view says so itself, by `reads_may_lag = True`; everything else, and whatever a middleware reads
or writes around such a view, is the primary's. What the replica has no success with (it is gone,
or a row has not arrived yet) the primary is asked again: these views only read, so the second
asking is safe, and nobody is told that a code of a moment ago does not exist.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import HttpRequest, HttpResponse, UnreadablePostError

REPLICA = "replica"
LEFT_ALONE_FOR = 5.0
"""Seconds in which a process does not ask a replica that did not answer."""

_reads_may_lag: ContextVar[bool] = ContextVar("reads_may_lag", default=False)
_ask_again_at = 0.0


class ReplicaRouter:
    """Send reads to the replica where they may lag, outside of transactions; all else stays."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        if _reads_may_lag.get() and not connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return REPLICA
        return DEFAULT_DB_ALIAS

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True  # they are the same rows

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


class ReplicaMiddleware:
    """Let a view whose reads may lag answer from the replica; stands last, next to the views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Return the replica's answer, or None: then Django goes on to the view, as ever."""
        may_lag = getattr(getattr(view, "cls", None), "reads_may_lag", False)
        if not may_lag or not settings.DATABASE_ROUTERS or not _replica_answers():
            return None
        if not _keeps_its_body(request):
            return None
        with _reading_from_replica():
            response = view(request, *args, **kwargs)
        if _asks_again(response.status_code):
            request.is_asked_again = True  # type: ignore[attr-defined]
            return None
        return response


def is_final(status: int) -> bool:
    """Say whether an answer of this status goes out: not what the primary is asked again for."""
    return not (_reads_may_lag.get() and _asks_again(status))


def _asks_again(status: int) -> bool:
    return status == HTTPStatus.NOT_FOUND or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _keeps_its_body(request: HttpRequest) -> bool:
    """Have Django keep the body, so that it can be read twice; not one that the view refuses."""
    try:
        request.body  # noqa: B018
    except (RequestDataTooBig, UnreadablePostError):
        return False
    return True


@contextmanager
def _reading_from_replica() -> Iterator[None]:
    token = _reads_may_lag.set(True)
    try:
        yield
    finally:
        _reads_may_lag.reset(token)


def _replica_answers() -> bool:
    """Say whether the replica is there: the look that Django has at a kept connection anyway."""
    global _ask_again_at
    if time.monotonic() < _ask_again_at:
        return False
    replica = connections[REPLICA]
    try:
        replica.close_if_health_check_failed()
        is_new = replica.connection is None
        replica.ensure_connection()
        answers = not is_new or replica.is_usable()
    except Error:
        answers = False
    if not answers:
        replica.close()
        _ask_again_at = time.monotonic() + LEFT_ALONE_FOR
    return answers
