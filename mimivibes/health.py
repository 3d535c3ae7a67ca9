"""`/livez` and `/readyz`, answered before anything that depends on the Host header or on TLS."""

import logging
from collections.abc import Callable
from functools import cache

from django.db import Error, ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse

logger = logging.getLogger(__name__)


class HealthMiddleware:
    """Answer the health paths; a load balancer asks them by address, over plain HTTP."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return JsonResponse({"status": "alive"})
        if request.path == "/readyz":
            if failures := readiness_failures():  # these paths are asked too often to log more
                logger.warning("Not ready: %s", "; ".join(failures))
            return JsonResponse(
                {"status": "unready" if failures else "ready", "failures": failures},
                status=503 if failures else 200,
            )
        return self.get_response(request)


def readiness_failures() -> list[str]:
    """Say what keeps this process from serving.

    That is: no database, one that takes no writes (a primary that became a replica), or migrations
    that are not applied. The database is asked each time, for it may go back while this process
    lives: a migration is undone, a backup is restored, or a replica that was behind takes over.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            if cursor.fetchone() == ("on",):
                return ["database: read-only"]
        pending = len(_migrations_on_disk() - _applied_migrations())
    except Error:
        return ["database: not reachable"]
    return [f"migrations: {pending} not applied"] if pending else []


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    """Return what this process was started with: its files may change, its code does not."""
    return frozenset(MigrationLoader(None).graph.nodes)


def _applied_migrations() -> set[tuple[str, str]]:
    try:
        return set(MigrationRecorder(connection).migration_qs.values_list("app", "name"))
    except ProgrammingError:  # there is no such table before the first migration
        return set()
