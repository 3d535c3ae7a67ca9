"""Settings from the environment and `.env`."""

import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mimivibes.environment import BASE_DIR, Environment


@pytest.mark.parametrize(
    ("cast", "default"), [("str", "kept"), ("int", 8000), ("bool", True), ("list", ["kept"])]
)
def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, cast: str, default: Any
) -> None:
    monkeypatch.setenv("NOTHING_IN_IT", "")

    assert getattr(Environment(), cast)("NOTHING_IN_IT", default=default) == default


@pytest.mark.parametrize(
    ("cast", "value"), [("int", "many"), ("bool", "perhaps"), ("bool", "ture"), ("bool", "2")]
)
def test_what_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, cast: str, value: str
) -> None:
    monkeypatch.setenv("SOMETHING_IN_IT", value)

    with pytest.raises(ImproperlyConfigured, match="SOMETHING_IN_IT"):
        getattr(Environment(), cast)("SOMETHING_IN_IT", default=None)


@pytest.mark.parametrize(("value", "read"), [("True", True), ("on", True), ("0", False)])
def test_a_switch_is_read(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("A_SWITCH", value)

    assert Environment().bool("A_SWITCH", default=not read) is read


def test_the_example_with_debug_on_needs_nothing_filled_in() -> None:
    """As its first lines promise."""
    example = (BASE_DIR / ".env.example").read_text()
    filled = [line.split("=", 1) for line in example.splitlines() if "=" in line and line[0] != "#"]
    environment = {**dict(filled), "DEBUG": "true", "DATABASE_URL": "postgres://nobody@localhost/x"}
    code = "from django.conf import settings as s; print(s.SECRET_KEY and s.APP_URL)"

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env={**environment, "DJANGO_SETTINGS_MODULE": "mimivibes.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.stdout.strip() == "http://localhost:8000", told.stderr
