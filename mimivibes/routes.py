"""What a request is counted, timed and logged under."""

from django.conf import settings
from django.http import HttpRequest

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(request: HttpRequest) -> str:
    """Return the pattern that the path has matched, never the path: it may hold ids and codes."""
    if request.resolver_match:
        return request.resolver_match.route
    return "static" if request.path.startswith(settings.STATIC_URL) else "unknown"


def method_of(request: HttpRequest) -> str:
    """Return the method, or `other`: anybody can invent some."""
    return request.method if request.method in METHODS else "other"
