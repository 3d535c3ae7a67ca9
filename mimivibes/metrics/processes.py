"""What each worker process counts for itself: requests, problems, errors, failed sign-ins.

The files of a worker that is gone still count, for what it has answered was answered; only what it
was in the middle of is taken off.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from mimivibes.routes import method_of, route_of

REQUESTS = Counter("mimivibes_http_requests", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram(
    "mimivibes_http_request_duration_seconds", "Time to answer.", ["method", "route"]
)
IN_PROGRESS = Gauge(
    "mimivibes_http_requests_in_progress",
    "Requests that are being answered.",
    multiprocess_mode="livesum",
)
PROBLEMS = Counter("mimivibes_problems", "Problems that callers of the API were told.", ["code"])
ERRORS = Counter(
    "mimivibes_unexpected_errors",
    "What nobody anticipated, by the name of the error; of the database, of its own.",
    ["error"],
)
STAFF_SIGN_IN_FAILURES = Counter(
    "mimivibes_staff_sign_in_failures", "Attempts of staff to sign in that failed."
)


class MetricsMiddleware:
    """Count and time every request by its route, never by its path: ids are no labels."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with IN_PROGRESS.track_inprogress():
            response = self.get_response(request)
        method, route = method_of(request), route_of(request)
        DURATION.labels(method, route).observe(time.perf_counter() - began)
        REQUESTS.labels(method, route, response.status_code).inc()
        return response


def count_problem(code: str) -> None:
    """Count a problem that a caller is told, by the contract's code."""
    PROBLEMS.labels(code).inc()


def count_error(error: BaseException) -> None:
    """Count what nobody anticipated; Django's names hide what PostgreSQL's say."""
    cause = error.__cause__
    is_of_driver = cause is not None and type(cause).__module__.startswith("psycopg")
    ERRORS.labels(type(cause if is_of_driver else error).__name__).inc()


def count_request_exception(**kwargs: Any) -> None:
    """Count what Django answers with 500, outside the API's own views."""
    error = sys.exc_info()[1]
    if error is not None:
        count_error(error)


def count_staff_sign_in_failure(**kwargs: Any) -> None:
    STAFF_SIGN_IN_FAILURES.inc()


def connect_signals() -> None:
    """Count what Django tells of by its signals."""
    got_request_exception.connect(count_request_exception, dispatch_uid="mimivibes.metrics")
    user_login_failed.connect(count_staff_sign_in_failure, dispatch_uid="mimivibes.metrics")


def processes() -> CollectorRegistry:
    """Return what all worker processes have counted, those that are gone included."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not directory:
        return REGISTRY
    _take_off_the_dead(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _take_off_the_dead(directory: Path) -> None:
    """Forget what workers that are gone were in the middle of."""
    for file in directory.glob("gauge_live*.db"):
        found = re.fullmatch(r"gauge_live[a-z]+_(\d+)\.db", file.name)
        if found and not _is_alive(int(found[1])):
            mark_process_dead(int(found[1]), str(directory))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # it is gone, or its number is a stranger's
        return False
    return True
