"""What was opened, in which browser sessions, and who signed in on which devices."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.lists import ReadOnlyAdmin
from referrals.admin.links import codes
from referrals.models import BrowserSession, Capture, UserDevice

MOST = 50
"""How many captures the page of a browser session shows."""


def of_device(term: search.Term) -> Q:
    """Find captures by the device of their browser session."""
    if not term.uuid:
        return search.NOTHING
    of_it = BrowserSession.objects.filter(device_id=term.uuid).values_list("pk", flat=True)
    return Q(browser_session__in=list(of_it[: search.MOST_FOUND]))


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    list_display = ("code", "holder", "opened_at", "expires_at", "adopted_at", "closed_reason")
    list_select_related = ("code", "user", "browser_session")
    list_filter = ("closed_reason",)
    finders = (
        search.people("user"),
        codes("code"),
        search.uuid("browser_session"),
        of_device,
    )
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name), a code, or how one of them begins; the id of a"
        " browser session or of a device"
    )
    date_hierarchy = "opened_at"
    ordering = ("-opened_at",)
    sortable_by = ("opened_at",)
    export_also = ("first_opened_at", "landing_url")
    change_form_template = "referrals/admin/capture.html"

    @admin.display(description=gettext_lazy("held by"))
    def holder(self, capture: Capture) -> str:
        if capture.user:
            return str(capture.user)
        return _("browser session %(session)s") % {"session": capture.browser_session_id}


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "device_id", "created_at", "adopted_by", "adopted_at")
    list_select_related = ("adopted_by",)
    finders = (search.people("adopted_by"), search.uuid("id", "device_id"))
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name) or how one begins; the id of a browser session"
        " or of a device"
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
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
    finders = (search.people("user"), search.uuid("device_id"))
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name) or how one begins; the id of a device"
    )
    date_hierarchy = "first_seen_at"
    ordering = ("-first_seen_at",)
    sortable_by = ("first_seen_at",)
