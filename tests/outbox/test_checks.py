"""System checks of the outbox's settings."""

from typing import Any

import pytest

from outbox.checks import svix_settings


@pytest.mark.parametrize(
    ("token", "app", "url", "debug", "found"),
    [
        ("", "", "", False, []),
        ("testsk_x", "web-app", "", False, []),
        ("testsk_x", "", "", False, ["outbox.E001"]),
        ("testsk_x", "web-app", "https://svix.example.com", False, []),
        ("testsk_x", "web-app", "http://127.0.0.1:8071", False, []),
        ("testsk_x", "web-app", "http://svix.example.com", False, ["outbox.E002"]),
        ("testsk_x", "web-app", "http://svix:8071", True, []),
        ("testsk_x", "web-app", "svix.example.com", True, ["outbox.E002"]),
    ],
)
def test_what_is_missing_or_unsafe_is_named(
    settings: Any, token: str, app: str, url: str, debug: bool, found: list[str]
) -> None:
    settings.SVIX_TOKEN, settings.SVIX_APP = token, app
    settings.SVIX_SERVER_URL, settings.DEBUG = url, debug

    assert [error.id for error in svix_settings()] == found


def test_the_token_is_never_quoted(settings: Any) -> None:
    settings.SVIX_TOKEN, settings.SVIX_APP = "testsk_secret", ""
    settings.SVIX_SERVER_URL = "http://svix.example.com"

    assert "testsk_secret" not in "".join(map(str, svix_settings()))
