"""Prometheus metrics at `/metrics`, for those who may read them.

Counters are kept by each worker process; where several serve, `PROMETHEUS_MULTIPROC_DIR` names the
directory in which they add them up (`make serve` sets it). What the database knows is read from it
at each scrape.
"""

import ipaddress
import os
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from accounts.services import inbox_figures
from referrals.services.funnel import held_queue

REQUESTS = Counter("mimivibes_http_requests", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram(
    "mimivibes_http_request_duration_seconds", "Time to answer.", ["method", "route"]
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class MetricsMiddleware:
    """Count and time every request by its route, never by its path: ids are no labels."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else "unknown"
        DURATION.labels(method, route).observe(time.perf_counter() - began)
        REQUESTS.labels(method, route, response.status_code).inc()
        return response


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format; 403 unless the address or the bearer token is allowed."""
    if not _may_read(request):
        return HttpResponseForbidden("Metrics are for METRICS_ALLOWED_IPS or METRICS_TOKEN.\n")
    text = generate_latest(_processes()) + generate_latest(_database())
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    bearer = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and constant_time_compare(
        request.headers.get("Authorization", ""), bearer
    ):
        return True
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    networks = (ipaddress.ip_network(net, strict=False) for net in settings.METRICS_ALLOWED_IPS)
    return any(address in network for network in networks)


def _processes() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _database() -> CollectorRegistry:
    """Read what must be looked at before users see it."""
    registry = CollectorRegistry()
    inbox, now = inbox_figures(), timezone.now()
    waiting = now - inbox.oldest_failed_at if inbox.oldest_failed_at else timedelta()
    for name, description, value in (
        ("webhooks_failed", "Deliveries whose work failed.", inbox.failed),
        ("webhook_oldest_failed_seconds", "Age of the oldest of them.", waiting.total_seconds()),
        ("attributions_held", "Attributions that wait for a decision.", held_queue().waiting),
    ):
        Gauge(f"mimivibes_{name}", description, registry=registry).set(value)
    return registry
