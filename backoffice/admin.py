"""Who has a second factor. No page shows secrets or codes: django-otp's own are taken off."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice import search
from backoffice.lists import ReadOnlyAdmin
from backoffice.models import SecondFactor
from backoffice.sign_in.second_factor import reset_second_factor

admin.site.unregister([TOTPDevice, StaticDevice])


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnlyAdmin):
    """For superusers alone: see who has a second factor, and reset it for who has lost theirs."""

    list_display = ("owner", "set_up_at", "used_at", "failures")
    list_select_related = ("user",)
    fields = list_display
    readonly_fields = fields
    finders = (search.people("user"),)
    search_help_text = gettext_lazy("How a username begins")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    actions = ("reset",)

    # django-otp's own names are in English alone.
    @admin.display(description=gettext_lazy("user"))
    def owner(self, factor: SecondFactor) -> str:
        return str(factor.user)

    @admin.display(description=gettext_lazy("set up at"))
    def set_up_at(self, factor: SecondFactor) -> Any:
        return factor.created_at

    @admin.display(description=gettext_lazy("last used at"))
    def used_at(self, factor: SecondFactor) -> Any:
        return factor.last_used_at

    @admin.display(description=gettext_lazy("wrong codes in a row"))
    def failures(self, factor: SecondFactor) -> int:
        return int(factor.throttling_failure_count)

    @admin.action(description=gettext_lazy("Reset the second factor"), permissions=["reset"])
    def reset(self, request: HttpRequest, queryset: QuerySet[SecondFactor]) -> None:
        for factor in queryset.select_related("user"):
            reset_second_factor(user=factor.user)
            self.log_change(request, factor, "Reset.")
            told = _("%(username)s signs in by the password alone, until they set up another.")
            values = {"username": factor.user.get_username()}
            self.message_user(request, told % values, messages.SUCCESS)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: SecondFactor | None = None) -> bool:
        return _is_superuser(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
