"""Find out who sends a request, once, before anything else under the API looks at it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.clerk.keys import KeysUnavailable
from accounts.clerk.tokens import TokenExpired, TokenInvalid, verify_session_token
from accounts.identity import Identity
from accounts.services import AccountBanned, AccountDeleted, identify

API_PREFIX = "/api/v1/"
WEBHOOK_PATH = "/api/v1/webhooks/clerk"
SESSION_COOKIE = "__session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
REFUSALS = (TokenInvalid, TokenExpired, AccountDeleted, AccountBanned, KeysUnavailable)


class ClerkIdentityMiddleware:
    """Set `request.clerk_identity`, or `request.clerk_identity_error` if the token is refused.

    A view, through `RequestAuthentication`, raises the error; a visitor has neither.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API_PREFIX) and request.path != WEBHOOK_PATH:
            request.clerk_identity = None  # type: ignore[attr-defined]
            request.clerk_identity_error = None  # type: ignore[attr-defined]
            try:
                request.clerk_identity = _identity(request)  # type: ignore[attr-defined]
            except REFUSALS as error:
                request.clerk_identity_error = error  # type: ignore[attr-defined]
        return self.get_response(request)


def _identity(request: HttpRequest) -> Identity | None:
    now = timezone.now()
    if "HTTP_AUTHORIZATION" in request.META:
        scheme, _, token = request.META["HTTP_AUTHORIZATION"].strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        return identify(claims=verify_session_token(token.strip(), now=now), now=now)
    cookie = request.COOKIES.get(SESSION_COOKIE)
    if not settings.CLERK_COOKIE_AUTH or not cookie:
        return None
    claims = verify_session_token(cookie, now=now)
    if request.method not in SAFE_METHODS:
        _require_own_web_app(request, claims.authorized_party)
    return identify(claims=claims, now=now)


def _require_own_web_app(request: HttpRequest, authorized_party: str | None) -> None:
    """Refuse what another site could have made the browser send: it adds the cookie by itself."""
    origin = request.META.get("HTTP_ORIGIN")
    if authorized_party is None or not origin or not _is_allowed(request, origin):
        raise TokenInvalid(_("A cookie signs in only requests that come from the web app itself."))


def _is_allowed(request: HttpRequest, origin: str) -> bool:
    own = f"{request.scheme}://{request.get_host()}"
    return origin in {own, *settings.CORS_ALLOWED_ORIGINS, *settings.CLERK_AUTHORIZED_PARTIES}
