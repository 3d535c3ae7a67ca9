"""The admin site: Django's own, with a guarded way in."""

import logging
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.i18n import set_language
from django_otp import DEVICE_ID_SESSION_KEY

from backoffice.sign_in import views
from backoffice.sign_in.forms import SignInForm
from backoffice.sign_in.sessions import is_idle
from backoffice.sign_in.throttle import LockedOut, begin_attempt

logger = logging.getLogger(__name__)

OPEN_WITHOUT_SECOND_FACTOR = {"logout", "jsi18n"}


class BackofficeSite(AdminSite):
    """Counts attempts to sign in, ends idle sessions, and can ask staff for a second factor."""

    login_form = SignInForm
    login_template = "backoffice/sign_in/sign_in.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        pages = {
            "": ("second_factor", views.show),
            "begin/": ("second_factor_begin", views.begin),
            "confirm/": ("second_factor_confirm", views.confirm),
            "backup-codes/": ("second_factor_codes", views.renew_codes),
            "switch-off/": ("second_factor_off", views.switch_off),
        }
        own = [
            path(
                f"second-factor/{end}",
                self.admin_view(partial(view, context=self.each_context)),
                name=name,
            )
            for end, (name, view) in pages.items()
        ]
        # Open to everybody; here, because that is the path of the cookie with the CSRF token.
        languages = path("language/", set_language, name="set_language")
        return [*own, languages, *super().get_urls()]

    def admin_view(  # type: ignore[override]
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        """Guard a view by how long ago somebody was here, and by a second factor if required."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and is_idle(request.session, timezone.now()):
                logout(request)
            if self.has_permission(request) and self._lacks_second_factor(request):
                return HttpResponseRedirect(reverse("admin:second_factor"))
            return guarded(request, *args, **kwargs)

        return update_wrapper(inner, guarded)

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().login(request, extra_context)
        except LockedOut as locked:
            return self._refuse(request, locked)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Count guesses of the old password like those at the door."""
        if request.method != "POST":
            return super().password_change(request, extra_context)
        try:
            attempt = begin_attempt(
                username=request.user.get_username(),
                address=request.META.get("REMOTE_ADDR", ""),
                now=timezone.now(),
            )
        except LockedOut as locked:
            return self._refuse(request, locked)
        response = super().password_change(request, extra_context)
        if isinstance(response, HttpResponseRedirect):
            attempt.succeeded(now=timezone.now())
        return response

    def _lacks_second_factor(self, request: HttpRequest) -> bool:
        if not settings.ADMIN_SECOND_FACTOR_REQUIRED or DEVICE_ID_SESSION_KEY in request.session:
            return False
        name = str(request.resolver_match.url_name if request.resolver_match else "")
        return not (name.startswith("second_factor") or name in OPEN_WITHOUT_SECOND_FACTOR)

    def _refuse(self, request: HttpRequest, locked: LockedOut) -> HttpResponse:
        logger.warning("Somebody is locked out until %s after too many attempts.", locked.until)
        wait = max(1, int((locked.until - timezone.now()).total_seconds()))
        context = {
            **self.each_context(request),
            "title": _("Too many attempts"),
            "minutes": -(-wait // 60),
        }
        response = TemplateResponse(
            request, "backoffice/sign_in/locked_out.html", context, status=429
        )
        response["Retry-After"] = str(wait)
        return response
