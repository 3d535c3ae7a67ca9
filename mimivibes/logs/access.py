"""Give every request an id, and log one line about it when it is answered."""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from mimivibes.logs.requests import serving
from mimivibes.routes import method_of, route_of

HEADER = "X-Request-ID"
# As proxies make them: hexadecimal, perhaps with hyphens. Nobody's code, token or name looks so.
WELL_FORMED = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{14,62}[0-9a-fA-F]")

logger = logging.getLogger("mimivibes.access")


class RequestLogMiddleware:
    """Log who asked for what, how it was answered and how long it took.

    The id is the proxy's if it sends one in `X-Request-ID` (`TrustedProxyMiddleware` has removed
    everybody else's); it is answered in the same header, and stands in every line meanwhile.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if WELL_FORMED.fullmatch(sent) else uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        context = serving.set(request)
        try:
            response = self.get_response(request)
            response[HEADER] = request_id
            _log(request, response, seconds=time.perf_counter() - began)
        finally:
            serving.reset(context)
        return response


def _log(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    status = response.status_code
    logger.info(
        "%s /%s %d",
        method_of(request),
        route_of(request),
        status,
        extra={"status": status, "duration_ms": round(seconds * 1000, 1)},
    )
