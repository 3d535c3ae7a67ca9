"""System checks: without DEBUG, each missing or unsafe setting is an error that names it."""

import ipaddress
import re
import sys
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from mimivibes.environment import env

SECRET_KEY_LENGTH = 50
REDIS_SCHEMES = {"redis", "rediss", "unix"}
MOST_SESSION_HOURS = 7 * 24
RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


@register()
def production_settings(**kwargs: Any) -> list[CheckMessage]:
    """Name every setting that production needs and does not have."""
    return [] if settings.DEBUG else list(_faults())


def refuse_unsafe_settings() -> None:
    """Stop the process, naming the faults on standard error, if a system check fails."""
    errors = [m for m in run_checks(include_deployment_checks=False) if m.is_serious()]
    if errors:
        sys.exit("\n".join(["The server does not start:", *(str(error) for error in errors)]))


def _faults() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        hint = "postgres://user:password@host/database"
        yield _error("E001", "DATABASE_URL is not set, or names no PostgreSQL.", hint)
    if _is_guessable(_secret_key()):
        hint = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        yield _error(
            "E002", "SECRET_KEY is missing, shorter than 50 characters or no secret.", hint
        )
    if any(_is_guessable(key) for key in settings.SECRET_KEY_FALLBACKS):
        yield _error("E016", "SECRET_KEY_FALLBACKS holds a key that is too short or no secret.")
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield _error("E003", "ALLOWED_HOSTS is empty or allows every host.")
    for host in settings.ALLOWED_HOSTS:
        if "/" in host or (":" in host and not host.startswith("[")):  # [::1] is a name
            hint = "api.example.com, without scheme and port: else nothing ever equals it."
            yield _error("E003", f"ALLOWED_HOSTS holds {host!r}, which is no host name.", hint)
    if urlsplit(settings.APP_URL).scheme != "https":
        yield _error("E004", "APP_URL is not an https address.", "It begins every share link.")
    yield from _origin_faults("E005", "CORS_ALLOWED_ORIGINS")
    yield from _clerk_faults()
    yield from _boundless_trust()
    if settings.DEVELOPMENT_ISSUER_KEY:
        yield _error("E010", "The development issuer is on, and anybody could sign in by it.")


def _clerk_faults() -> Iterator[CheckMessage]:
    if not (settings.CLERK_PUBLISHABLE_KEY or settings.CLERK_ISSUER):
        yield _error("E006", "CLERK_PUBLISHABLE_KEY or CLERK_ISSUER must be set.")
    if not settings.CLERK_AUTHORIZED_PARTIES:
        yield _error(
            "E007",
            "CLERK_AUTHORIZED_PARTIES is empty.",
            "List the origins of your web app, e.g. https://app.example.com",
        )
    yield from _origin_faults("E008", "CLERK_AUTHORIZED_PARTIES")
    for name in ("CLERK_JWKS_URL", "CLERK_API_URL", "CLERK_ISSUER"):
        if getattr(settings, name) and not _is_trustworthy(getattr(settings, name)):
            hint = "Keys by which people are believed, and our own secret key, go that way."
            yield _error("E018", f"{name} is not an https address.", hint)
    if not settings.CLERK_WEBHOOK_SECRETS:
        yield _error("E009", "CLERK_WEBHOOK_SECRET is not set.", "Clerk's dashboard shows it.")


def _boundless_trust() -> Iterator[CheckMessage]:
    for network in settings.TRUSTED_PROXIES:
        if is_everybody(network):
            yield _error(
                "E017",
                f"TRUSTED_PROXIES holds {network}, which is everybody.",
                "Whoever is believed names any address as the visitor's. List your own proxies.",
            )


def _origin_faults(number: str, name: str) -> Iterator[CheckMessage]:
    for origin in getattr(settings, name):
        parts = urlsplit(origin)
        # With a path, be it a slash alone, it equals nothing that a browser or a token says.
        if not _is_trustworthy(origin) or origin != f"{parts.scheme}://{parts.netloc}":
            hint = "https://app.example.com, and nothing behind it"
            yield _error(number, f"{name} holds {origin!r}, which is not an https origin.", hint)


def _is_trustworthy(origin: str) -> bool:
    """Accept https, and what never leaves the machine (W3C Secure Contexts, section 3.1)."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


@register()
def network_settings(**kwargs: Any) -> list[CheckMessage]:
    """Name, in development too, what is no address and no network; requests would crash on it."""
    return [
        _error(number, f"{name} holds {network!r}, which is no address and no network.")
        for number, name in (("E011", "TRUSTED_PROXIES"), ("E012", "METRICS_ALLOWED_IPS"))
        for network in getattr(settings, name)
        if not _is_network(network)
    ]


@register()
def redis_settings(**kwargs: Any) -> list[CheckMessage]:
    """Name an address of Redis that cannot be read; every request would crash on it."""
    if not settings.REDIS_URL or urlsplit(settings.REDIS_URL).scheme in REDIS_SCHEMES:
        return []
    return [_error("E019", "REDIS_URL is no address of a Redis.", "redis://host:6379/0")]


@register()
def reporting_settings(**kwargs: Any) -> Iterator[CheckMessage]:
    """Name what traces and reports of errors would be lost by, without a word."""
    endpoint = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
    if endpoint and urlsplit(endpoint).scheme not in {"http", "https"}:
        hint = "http://localhost:4318"
        yield _error("E020", "OTEL_EXPORTER_OTLP_ENDPOINT is no http address.", hint)
    if not 0 <= settings.SENTRY_TRACES_SAMPLE_RATE <= 1:
        yield _error("E021", "SENTRY_TRACES_SAMPLE_RATE is a share, 0 to 1.")


@register()
def rate_settings(**kwargs: Any) -> list[CheckMessage]:
    """Name a rate that cannot be read; every request would crash on it."""
    rates = cast(dict[str, str], settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    return [
        _error("E013", f"THROTTLE_{scope.upper()} is {rate!r}, not a rate.", "60/min")
        for scope, rate in rates.items()
        if not RATE.fullmatch(rate)
    ]


@register()
def session_settings(**kwargs: Any) -> Iterator[CheckMessage]:
    """Name a length of staff's sessions by which nobody stays signed in, or everybody does."""
    hours, minutes = settings.ADMIN_SESSION_HOURS, settings.ADMIN_SESSION_IDLE_MINUTES
    if not 1 <= hours <= MOST_SESSION_HOURS:
        yield _error("E014", f"ADMIN_SESSION_HOURS is {hours}, not 1 to {MOST_SESSION_HOURS}.")
    if not 1 <= minutes <= hours * 60:
        hint = "At most as long as a session, ADMIN_SESSION_HOURS."
        yield _error("E015", f"ADMIN_SESSION_IDLE_MINUTES is {minutes}.", hint)


def is_everybody(network: str) -> bool:
    """Tell whether a network holds all addresses; what is none is named by `network_settings`."""
    return _is_network(network) and ipaddress.ip_network(network, strict=False).prefixlen == 0


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's own way of saying that it is empty
        return ""


def _is_guessable(key: str) -> bool:
    """Tell whether a key is short, or one that Django made for a start."""
    return len(key) < SECRET_KEY_LENGTH or key.startswith("django-insecure-")


def _error(number: str, message: str, hint: str | None = None) -> CheckMessage:
    return Error(message, hint=hint, id=f"mimivibes.{number}")
