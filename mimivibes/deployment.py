"""What `manage.py check --deploy` adds: settings that work, and of which an operator should know.

Unsafe ones are warnings; a choice that is right for some, such as doing without Redis, is told as
information. `check --deploy --database default` also asks the database whom we are.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, Warning, register
from django.db import connections

from mimivibes.checks import is_everybody

ENCRYPTED = {"require", "verify-ca", "verify-full"}
TOKEN_LENGTH = 20


@register()
def production_keys(**kwargs: Any) -> list[CheckMessage]:
    """Warn, whenever checks run, of keys of real people in a process that shows its errors."""
    live = settings.CLERK_PUBLISHABLE_KEY.startswith("pk_live_")
    if settings.DEBUG and (live or settings.CLERK_SECRET_KEY.startswith("sk_live_")):
        hint = "Use the keys of Clerk's development instance (pk_test_, sk_test_)."
        return [_warning("W001", "DEBUG is on with keys of Clerk's production instance.", hint)]
    return []


@register(deploy=True)
def databases(**kwargs: Any) -> Iterator[CheckMessage]:
    """Warn of a database on another machine to which we might speak in clear."""
    for alias, variable in (("default", "DATABASE_URL"), ("replica", "DATABASE_REPLICA_URL")):
        database = settings.DATABASES.get(alias, {})
        asked = database.get("OPTIONS", {}).get("sslmode", "")
        # Whoever writes sslmode=disable has thought of it: a private network, TLS by other means.
        if not _is_here(str(database.get("HOST", ""))) and asked not in ENCRYPTED | {"disable"}:
            yield _warning(
                "W002",
                f"{variable} names another machine, and does not insist on TLS.",
                "Add ?sslmode=verify-full (or require), or sslmode=disable on a private network.",
            )


@register(deploy=True)
def visitors(**kwargs: Any) -> Iterator[CheckMessage]:
    """Tell how visitors are told apart and counted."""
    if not settings.TRUSTED_PROXIES:
        yield Info(
            "TRUSTED_PROXIES is empty.",
            hint="Behind a proxy all visitors have its address, and https is not seen.",
            id="mimivibes.I001",
        )
    if not settings.REDIS_URL and settings.WEB_WORKERS > 1:
        yield Info(
            f"REDIS_URL is not set: each of {settings.WEB_WORKERS} processes counts for itself.",
            hint="So THROTTLE_PUBLIC and THROTTLE_USER let through as many times more.",
            id="mimivibes.I002",
        )


@register(deploy=True)
def staff(**kwargs: Any) -> Iterator[CheckMessage]:
    """Tell that a stolen password is enough to sign in to the admin."""
    if not settings.ADMIN_SECOND_FACTOR_REQUIRED:
        yield Info(
            "ADMIN_SECOND_FACTOR_REQUIRED is off: staff may do with a password alone.",
            id="mimivibes.I003",
        )


@register(deploy=True)
def clerk_instance(**kwargs: Any) -> Iterator[CheckMessage]:
    """Tell that those who sign in are of a development instance, where nobody pays for accounts."""
    test = settings.CLERK_PUBLISHABLE_KEY.startswith("pk_test_")
    if not settings.DEBUG and (test or settings.CLERK_SECRET_KEY.startswith("sk_test_")):
        yield Info("The keys are those of Clerk's development instance.", id="mimivibes.I004")


@register(deploy=True)
def metrics(**kwargs: Any) -> Iterator[CheckMessage]:
    """Warn of metrics that everybody may read."""
    for network in settings.METRICS_ALLOWED_IPS:
        if is_everybody(network):
            yield _warning("W003", f"METRICS_ALLOWED_IPS holds {network}, which is everybody.")
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < TOKEN_LENGTH:
        yield _warning("W004", f"METRICS_TOKEN is shorter than {TOKEN_LENGTH} characters.")


@register(Tags.database, deploy=True)
def database_role(databases: Sequence[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Warn if we are a superuser, for whom no trigger and no constraint of the ledger holds."""
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone() == (True,):
                yield _warning(
                    "W005",
                    f"The user of the database {alias!r} is a superuser.",
                    "Give the app a role of its own: deploy/postgres/roles.sh makes two.",
                )


def _is_here(host: str) -> bool:
    """Tell whether what is said to the host never leaves this machine: a socket, or loopback."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _warning(number: str, message: str, hint: str | None = None) -> CheckMessage:
    return Warning(message, hint=hint, id=f"mimivibes.{number}")
