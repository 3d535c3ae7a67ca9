"""System checks: a token alone sends nothing, and must not travel in the clear."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@register()
def svix_settings(**kwargs: Any) -> Iterator[CheckMessage]:
    """Name each setting of the outbox that is missing or unsafe."""
    if settings.SVIX_TOKEN and not settings.SVIX_APP:
        yield Error(
            "SVIX_TOKEN is set, and SVIX_APP is not: there is nowhere to send to.",
            hint="The uid of the application at Svix that stands for your web app.",
            id="outbox.E001",
        )
    if settings.SVIX_SERVER_URL and not _is_safe(settings.SVIX_SERVER_URL):
        yield Error(
            f"SVIX_SERVER_URL is {settings.SVIX_SERVER_URL!r}, which is not an https address.",
            hint="Leave it empty for Svix's own service; the token says in which region.",
            id="outbox.E002",
        )


def _is_safe(url: str) -> bool:
    """Accept https, and what never leaves the machine; http to anywhere with DEBUG."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        return False
    return parts.scheme == "https" or parts.hostname in LOOPBACK or settings.DEBUG
