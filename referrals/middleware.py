"""Carry the browser session through a request, and hand it to whoever signs in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.identity import identity_of
from referrals.browser_session import read_browser, write_browser
from referrals.services.captures import meet_browser

API_PREFIX = "/api/v1/"


class BrowserSessionMiddleware:
    """Set `request.browser` from cookie or header; give back what it has become.

    Any signed-in request under `/api/v1/` adopts the session's captures, also one that goes on to
    be refused: it shows who sits at the browser all the same.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(API_PREFIX):
            return self.get_response(request)
        carried = request.browser = read_browser(request)  # type: ignore[attr-defined]
        identity = identity_of(request)
        if identity is not None:
            request.browser = meet_browser(  # type: ignore[attr-defined]
                user=identity.user, browser=carried, now=timezone.now()
            )
        response = self.get_response(request)
        browser = request.browser  # type: ignore[attr-defined]
        if browser is not None and browser != carried:
            write_browser(response, browser)
        return response
