"""The project's pages, and some that go wrong in ways that would tell of people."""

import logging
import time

from django.http import HttpRequest, HttpResponse
from django.urls import path

from mimivibes.urls import handler500, urlpatterns

logger = logging.getLogger("mimivibes.somewhere")


def crash(request: HttpRequest) -> HttpResponse:
    told = [request.META["HTTP_AUTHORIZATION"], request.META["HTTP_COOKIE"], request.GET["email"]]
    raise RuntimeError(f"{told} {request.get_full_path()} code={request.GET['ref']}")


def logged(request: HttpRequest) -> HttpResponse:
    user = request.clerk_identity.user  # type: ignore[attr-defined]
    logger.error(
        "%s of %s has %s",
        user.clerk_id,
        user.email,
        request.GET["ref"],
        extra=dict(request.headers),
    )
    return HttpResponse()


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(15)
    return HttpResponse()


urlpatterns = [
    path("api/v1/crash", crash),
    path("api/v1/logged", logged),
    path("api/v1/slow", slow),
    *urlpatterns,
]
__all__ = ["handler500", "urlpatterns"]
