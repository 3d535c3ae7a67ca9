"""System checks: what production lacks is named, and the server does not start without."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

ROOT = Path(__file__).resolve().parent.parent.parent


def faults() -> str:
    return "\n".join(str(message) for message in run_checks() if message.is_serious())


def test_the_settings_of_the_tests_are_those_of_a_sound_production() -> None:
    assert faults() == ""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", []),
        ("ALLOWED_HOSTS", ["*"]),
        ("ALLOWED_HOSTS", ["https://api.example.com"]),
        ("ALLOWED_HOSTS", ["app-1:8000"]),
        ("APP_URL", ""),
        ("APP_URL", "http://app.example.com"),
        ("CORS_ALLOWED_ORIGINS", ["http://app.example.com"]),
        ("CORS_ALLOWED_ORIGINS", ["localhost:3000"]),
        ("CORS_ALLOWED_ORIGINS", ["https://app.example.com/app"]),
        ("CLERK_AUTHORIZED_PARTIES", []),
        ("CLERK_AUTHORIZED_PARTIES", ["http://app.example.com"]),
        ("CLERK_AUTHORIZED_PARTIES", ["https://app.example.com/"]),
        ("CLERK_ISSUER", ""),
        ("CLERK_WEBHOOK_SECRETS", []),
    ],
)
def test_a_missing_or_unsafe_setting_is_named(setting: str, value: Any) -> None:
    with override_settings(**{setting: value}):
        assert setting.rstrip("S") in faults()


def test_an_origin_on_this_machine_may_do_without_tls() -> None:
    with override_settings(CORS_ALLOWED_ORIGINS=["http://localhost:3000", "http://127.0.0.1:3000"]):
        assert faults() == ""


def test_a_host_may_be_an_address() -> None:
    with override_settings(ALLOWED_HOSTS=["10.0.0.7", "[::1]", ".example.com"]):
        assert faults() == ""


def test_the_development_issuer_is_not_for_production() -> None:
    with override_settings(DEVELOPMENT_ISSUER_KEY="a key"):
        assert "development issuer" in faults()


def test_in_development_none_of_it_is_needed() -> None:
    with override_settings(
        DEBUG=True, SECRET_KEY="x", ALLOWED_HOSTS=["*"], APP_URL="http://localhost:8000"
    ):
        assert faults() == ""


def test_an_unconfigured_server_does_not_start_and_says_why() -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLERK_", "DJANGO_", "DATABASE_"))
        and name not in {"SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "APP_URL"}
    }

    done = subprocess.run(
        [sys.executable, "-c", "import mimivibes.wsgi"],
        cwd=ROOT,
        env={**environment, "DEBUG": "false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    for name in ("DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "APP_URL", "CLERK_"):
        assert name in done.stderr, done.stderr
