"""Referral codes: found, switched off and on."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.lists import ReadOnlyAdmin
from referrals.admin.links import codes
from referrals.models import ReferralCode
from referrals.services.story import waiting_for


@admin.register(ReferralCode)
class ReferralCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "owner", "program", "is_primary", "is_active", "created_at")
    list_select_related = ("owner", "program")
    list_filter = ("program", "is_active", "is_primary")
    finders = (codes("pk"), search.people("owner"))
    search_help_text = gettext_lazy(
        "A code, its owner (Clerk id, e-mail address, name), or how one of them begins"
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    actions = ("switch_off", "switch_on")
    change_form_template = "referrals/admin/code.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show who may have lost an invitation: what is opened and adopted by nobody yet."""
        context |= waiting_for(context["original"], now=timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=gettext_lazy("Switch the selected codes off"), permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ReferralCode]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description=gettext_lazy("Switch the selected codes on"), permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[ReferralCode]) -> None:
        self._switch(request, queryset, is_active=True)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.change_referralcode")

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[ReferralCode], *, is_active: bool
    ) -> None:
        for code in queryset.exclude(is_active=is_active):
            code.is_active = is_active
            code.save(update_fields=["is_active"])
            self.log_change(request, code, f"Switched {'on' if is_active else 'off'}.")
        self.message_user(request, _("Done."), messages.SUCCESS)
