"""Programs and the versions of their terms."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from backoffice import search
from backoffice.lists import ListAdmin, ReadOnlyInline
from referrals.models import Program, ProgramTerms


class TermsInline(ReadOnlyInline):
    model = ProgramTerms
    fields = ("version", "effective_from", "referee", "referrer", "qualifying_event_type")
    readonly_fields = fields
    show_change_link = True

    @admin.display(description="referee gets")
    def referee(self, terms: ProgramTerms) -> str:
        return told(terms.referee_amounts)

    @admin.display(description="referrer gets")
    def referrer(self, terms: ProgramTerms) -> str:
        return told(terms.referrer_amounts)


def told(amounts: Any) -> str:
    """Return amounts in words, e.g. `1 stars, 50 coins`."""
    return ", ".join(f"{n} {currency.replace('_', ' ')}" for currency, n in amounts if n) or "—"


@admin.register(Program)
class ProgramAdmin(ListAdmin):
    """Start and stop a program; its conditions are in its terms."""

    list_display = ("name", "slug", "is_default", "is_active", "starts_at", "ends_at")
    list_filter = ("is_active",)
    finders = (search.begins_in_any_case("name", "slug"),)
    sortable_by = ("name", "slug", "starts_at", "ends_at")
    # Without a default program nobody new could be given a code, and so nobody could sign in.
    readonly_fields = ("is_default",)
    inlines = (TermsInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ProgramTerms)
class ProgramTermsAdmin(ListAdmin):
    """Versions of terms: a new one is added, begun from the last; none ever changes."""

    list_display = ("__str__", "effective_from", "referee", "referrer", "hold_days", "created_by")
    list_select_related = ("program", "created_by")
    list_filter = ("program",)
    finders = (search.begins_in_any_case("program__name", "program__slug"),)
    date_hierarchy = "effective_from"
    ordering = ("-effective_from",)
    sortable_by = ("effective_from", "hold_days")
    exclude = ("version",)

    referee = TermsInline.referee
    referrer = TermsInline.referrer

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        last = ProgramTerms.objects.filter(program__is_default=True).order_by("-version").first()
        if last is None:
            return {}
        names = [field.name for field in ProgramTerms._meta.fields if field.editable]
        kept = {name: getattr(last, name) for name in names if name not in {"id", "version"}}
        return {**kept, "program": last.program_id, "effective_from": timezone.now()}

    def save_model(self, request: HttpRequest, obj: ProgramTerms, form: Any, change: bool) -> None:
        # Two who save at once get the same number; the unique key refuses the second.
        last = ProgramTerms.objects.filter(program=obj.program).order_by("-version").first()
        obj.version = last.version + 1 if last else 1
        obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
