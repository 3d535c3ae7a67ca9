"""The request that is being served, as far as log lines may tell of it."""

from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from mimivibes.logs.discretion import log_user
from mimivibes.routes import method_of, route_of

serving: ContextVar[HttpRequest | None] = ContextVar("serving", default=None)
"""The request of this thread, while there is one."""


def facts_of_request() -> dict[str, Any]:
    """Return what the request that is being served adds to each line, nothing outside of one.

    Whom it comes from is known from the middleware that finds it out; nothing is looked up here.
    """
    request = serving.get()
    if request is None:
        return {}
    facts = {
        "request_id": getattr(request, "request_id", None),
        "trace_id": getattr(request, "trace_id", None),
        "method": method_of(request),
        "route": route_of(request),
        **_caller(request),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _caller(request: HttpRequest) -> dict[str, Any]:
    identity = getattr(request, "clerk_identity", None)
    if identity is not None:
        return {"user": log_user(identity.user.clerk_id)}
    if service := getattr(getattr(request, "auth", None), "name", None):
        return {"service": service}
    staff: Any = getattr(request, "_cached_user", None)  # only if somebody asked for it already
    return {"staff": staff.pk} if staff and staff.pk else {}
