"""Whoever watches."""

from typing import Any

import pytest

from tests.monitoring.scrapes import TOKEN, Prometheus


@pytest.fixture
def prometheus(settings: Any) -> Prometheus:
    settings.METRICS_TOKEN = TOKEN
    return Prometheus()
