"""Reports of errors to Sentry, when `SENTRY_DSN` is set, without anybody's data.

What is left of a report is the error, where it happened, and what a log line would tell of the
request; every text in it goes through `discreet`, as log lines do.
"""

from typing import Any

import sentry_sdk
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.utils import BadDsn, Dsn

from mimivibes.logs.discretion import discreet_value
from mimivibes.logs.requests import facts_of_request

# Cookies, headers, bodies, addresses, names, arguments of commands, statements with their values.
LEFT_OUT = ("request", "user", "breadcrumbs", "extra", "server_name", "modules")


def start_reporting() -> None:
    """Report what is logged as an error, and what nobody catches."""
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn as error:
        raise ImproperlyConfigured(f"SENTRY_DSN cannot be read: {error}.") from error
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE or None,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), LoggingIntegration(level=None)],
        before_send=_discreet_event,
        before_send_transaction=_discreet_event,
    )


def _discreet_event(event: Any, hint: dict[str, Any]) -> Any:
    """Return what of an event may leave this machine."""
    kept = {name: value for name, value in event.items() if name not in LEFT_OUT}
    if kept.get("transaction_info", {}).get("source") == "url":  # a path that no route has matched
        kept["transaction"] = "unknown"
    kept["tags"] = {name: str(value) for name, value in facts_of_request().items()}
    return {name: _discreet(name, value) for name, value in kept.items()}


# Of these the values are Sentry's own: ids that would else be taken for codes, times, versions.
AS_THEY_ARE = frozenset({"event_id", "timestamp", "start_timestamp", "level", "sdk", "platform"})


def _discreet(name: str, value: Any) -> Any:
    return value if name in AS_THEY_ARE else discreet_value(value)
