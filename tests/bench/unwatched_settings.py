"""Settings of the server that nobody watches: no log line for a request, no metrics."""

from tests.bench.settings import *  # noqa: F403

WATCHING = {
    "mimivibes.logs.access.RequestLogMiddleware",
    "mimivibes.tracing.TracingMiddleware",
    "mimivibes.metrics.processes.MetricsMiddleware",
}
MIDDLEWARE = [name for name in MIDDLEWARE if name not in WATCHING]  # noqa: F405
