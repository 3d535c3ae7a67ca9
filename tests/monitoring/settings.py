"""Settings of the server that is watched: behind one proxy, with pages that go wrong."""

import os

sentry, traces, token = (
    os.environ.get(name, "")
    for name in ("SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "METRICS_TOKEN")
)

from tests.settings import *  # noqa: E402, F403

METRICS_TOKEN = token
TRUSTED_PROXIES = ["127.0.0.1"]
ROOT_URLCONF = "tests.monitoring.urls"
