"""What every request passes: whom it really comes from, and who may keep the answer."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

OF_PROXIES_ALONE = ("HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_BAGGAGE")


class TrustedProxyMiddleware:
    """Set `REMOTE_ADDR` and the scheme from `X-Forwarded-For` and `X-Forwarded-Proto`.

    The chain is read from the right, for everything to the left of our own proxies is the
    visitor's word. A header sent past the proxies is ignored; those that name a request's id and
    trace are taken off it, so that nothing behind this believes a stranger.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.networks = [ipaddress.ip_network(n, strict=False) for n in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        if self._trusts(peer):
            request.META["REMOTE_ADDR"] = self._visitor(
                peer, request.META.get("HTTP_X_FORWARDED_FOR", "")
            )
            proto = request.META.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip()
            if proto in {"http", "https"}:
                request.META["wsgi.url_scheme"] = proto
        else:
            for header in OF_PROXIES_ALONE:
                request.META.pop(header, None)
        return self.get_response(request)

    def _visitor(self, peer: str, forwarded_for: str) -> str:
        address = peer
        for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
            if _address(hop) is None:
                break
            address = hop
            if not self._trusts(hop):
                break
        return address

    def _trusts(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.networks)


class NoStoreMiddleware:
    """Forbid every cache to keep what the API answers: the next person may share the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/api/v1/"):
            response["Cache-Control"] = "no-store"
        return response


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
