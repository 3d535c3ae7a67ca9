"""What was opened, in which browser sessions, and who signed in on which devices."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from backoffice.lists import ReadOnlyAdmin
from referrals.admin.links import search_by_person
from referrals.models import BrowserSession, Capture, UserDevice

MOST = 50
"""How many captures the page of a browser session shows."""


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    list_display = ("code", "holder", "opened_at", "expires_at", "adopted_at", "closed_reason")
    list_select_related = ("code", "user", "browser_session")
    list_filter = ("closed_reason",)
    search_fields = ("code__code__istartswith", "=browser_session__id", *search_by_person("user"))
    search_help_text = "How a code, Clerk id, e-mail address or name begins; a browser session"
    ordering = ("-id",)
    change_form_template = "referrals/admin/capture.html"

    @admin.display(description="held by")
    def holder(self, capture: Capture) -> str:
        return str(capture.user or f"browser session {capture.browser_session_id}")


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "device_id", "created_at", "adopted_by", "adopted_at")
    list_select_related = ("adopted_by",)
    search_fields = search_by_person("adopted_by")
    ordering = ("-created_at",)
    change_form_template = "referrals/admin/browser_session.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        opened = context["original"].captures.select_related("code").order_by("opened_at")
        context["captures"] = opened[:MOST]
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(UserDevice)
class UserDeviceAdmin(ReadOnlyAdmin):
    list_display = ("device_id", "user", "first_seen_at")
    list_select_related = ("user",)
    search_fields = search_by_person("user")
    ordering = ("-id",)
