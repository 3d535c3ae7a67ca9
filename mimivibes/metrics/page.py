"""`/metrics`, for those who may read them.

Each worker process counts its own requests; where several serve, `PROMETHEUS_MULTIPROC_DIR` names
the directory in which they add them up (`make serve` sets it).
"""

import ipaddress
import logging
import time
from collections.abc import Iterable
from threading import Lock

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from mimivibes.metrics.facts import counted_facts
from mimivibes.metrics.figures import figures
from mimivibes.metrics.processes import processes

KEPT_SECONDS = 10
"""Several who ask within this time are told the same, and the database is asked once."""
PATIENCE_MS = 5_000

logger = logging.getLogger(__name__)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format; 403 unless the address or the bearer token is allowed."""
    if not _may_read(request):
        return HttpResponseForbidden("Metrics are for METRICS_ALLOWED_IPS or METRICS_TOKEN.\n")
    text = generate_latest(processes()) + database.told()
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


class _Kept:
    """The database's part of the page, as it was read last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        self._text, self._until = b"", 0.0

    def told(self) -> bytes:
        """Return the text, read anew if it is older than `KEPT_SECONDS`; one reads at a time."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._text = _text(read_database())
                self._until = time.monotonic() + KEPT_SECONDS
            return self._text


database = _Kept()


def read_database() -> list[Metric]:
    """Read facts and figures; of a database that does not answer in time, that it does not."""
    began = time.perf_counter()
    found: list[Metric] = []
    try:
        with transaction.atomic():
            _be_quick()
            found += [*counted_facts(now=timezone.now()), *figures(now=timezone.now())]
    except Error as error:
        logger.warning("The database did not tell its metrics: %s", type(error).__name__)
        found = []
    return [
        *found,
        GaugeMetricFamily(
            "mimivibes_database_up",
            "1 if the database told what is read from it, else 0, and that is missing.",
            value=bool(found),
        ),
        GaugeMetricFamily(
            "mimivibes_database_read_seconds",
            "How long it took to read it.",
            value=time.perf_counter() - began,
        ),
    ]


def _be_quick() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")


class _Read:
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _text(found: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Read(found))
    return generate_latest(registry)
