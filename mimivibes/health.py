"""`/livez` and `/readyz`, answered before anything that depends on the Host header or on TLS."""

import logging
from collections.abc import Callable

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
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
    that are not applied.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            if cursor.fetchone() == ("on",):
                return ["database: read-only"]
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return ["database: not reachable"]
    return [f"migrations: {len(pending)} not applied"] if pending else []
