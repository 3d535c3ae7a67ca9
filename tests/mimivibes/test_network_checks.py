"""System checks of the whole: what is unsafe or cannot be used is named."""

from typing import Any

import pytest

from mimivibes.checks import (
    network_settings,
    production_settings,
    rate_settings,
    reporting_settings,
)


def test_settings_as_in_production_pass() -> None:
    assert [*production_settings(), *network_settings(), *rate_settings()] == []


@pytest.mark.parametrize("engine", ["django.db.backends.dummy", "django.db.backends.sqlite3"])
def test_a_database_that_is_not_postgresql_is_named(
    settings: Any, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)

    (fault,) = production_settings()

    assert fault.id == "mimivibes.E001"
    assert "DATABASE_URL" in str(fault)


@pytest.mark.parametrize(
    ("name", "number"), [("TRUSTED_PROXIES", "E011"), ("METRICS_ALLOWED_IPS", "E012")]
)
@pytest.mark.parametrize("debug", [True, False])
def test_what_is_no_address_and_no_network_is_named(
    settings: Any, name: str, number: str, debug: bool
) -> None:
    settings.DEBUG = debug
    setattr(settings, name, ["10.0.0.1", "fd00::/8", "10.0.0.0/33"])

    (fault,) = network_settings()

    assert fault.id == f"mimivibes.{number}"
    assert "'10.0.0.0/33'" in str(fault)


@pytest.mark.parametrize("rate", ["", "60", "60/", "min/60", "0/min", "60/fortnight", "60/minx"])
def test_what_is_no_rate_is_named(settings: Any, rate: str) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"public": "60/min", "user": rate}}

    assert [fault.id for fault in rate_settings()] == ["mimivibes.E013"]
    assert "THROTTLE_USER" in str(rate_settings())


def test_an_address_that_traces_cannot_be_sent_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")

    assert [fault.id for fault in reporting_settings()] == ["mimivibes.E020"]


@pytest.mark.parametrize("share", [-0.1, 5])
def test_a_share_of_requests_is_0_to_1(settings: Any, share: float) -> None:
    settings.SENTRY_TRACES_SAMPLE_RATE = share

    assert [fault.id for fault in reporting_settings()] == ["mimivibes.E021"]
