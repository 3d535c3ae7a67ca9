"""System checks of the whole: what is unsafe or cannot be used is named."""

from typing import Any

import pytest

from mimivibes.checks import network_settings, production_settings


def test_settings_as_in_production_pass() -> None:
    assert [*production_settings(), *network_settings()] == []


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
