"""What staff read of the replaced system, and what they have to settle."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.filters import ValuesFilter
from backoffice.links import link_to
from backoffice.lists import ListAdmin, ReadOnlyAdmin
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction, Matter
from rewards.amounts import Amounts
from rewards.wording import signed

PEOPLE = gettext_lazy("A person (Clerk id, e-mail address, name) or how one begins")


@admin.register(LegacyAccount)
class LegacyAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "imported_at", "amounts", "was_here_before")
    list_select_related = ("user",)
    finders = (search.people("user"),)
    search_help_text = PEOPLE
    date_hierarchy = "imported_at"
    ordering = ("-imported_at", "-user")
    sortable_by = ("imported_at",)
    exported_as = {"amounts": ("opened",)}
    fields = ("person", "imported_at", "was_here_before", "amounts", "openings", "kept")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("person"))
    def person(self, account: LegacyAccount) -> SafeString | str:
        return link_to(account.user)

    @admin.display(description=gettext_lazy("opened with"))
    def amounts(self, account: LegacyAccount) -> str:
        return signed(Amounts(**account.opened))


@admin.register(LegacyTransaction)
class LegacyTransactionAdmin(ReadOnlyAdmin):
    """The old ledger: what it says need not be what the old balances were."""

    list_display = ("at", "event_type", "user", "amounts", "origin")
    list_select_related = ("user",)
    list_filter = (("event_type", ValuesFilter),)
    finders = (search.people("user"),)
    search_help_text = PEOPLE
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    sortable_by = ("at",)
    exported_as = {"amounts": ("stars", "free_points", "coins", "exp")}
    fields = (
        "at", "event_type", "person", "legacy_user_id", "amounts", "origin", "legacy_id", "details",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=gettext_lazy("person"))
    def person(self, row: LegacyTransaction) -> SafeString | str:
        return link_to(row.user)

    @admin.display(description=gettext_lazy("amounts"))
    def amounts(self, row: LegacyTransaction) -> str:
        return signed(Amounts(row.stars, row.free_points, row.coins, row.exp))


class IsOpen(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", _("To settle")), ("settled", _("Settled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Matter]) -> QuerySet[Matter]:
        if self.value() is None:
            return queryset
        return queryset.filter(settled_at__isnull=self.value() == "open")


class KindFilter(ValuesFilter):
    def told(self, value: str) -> str:
        return str(dict(Matter.Kind.choices).get(value, value))


@admin.register(Matter)
class MatterAdmin(ListAdmin):
    """What the import would not guess at. Staff settle it by their usual means, and note how."""

    list_display = ("kind", "user", "subject", "settled_at")
    list_select_related = ("user",)
    list_filter = (IsOpen, ("kind", KindFilter))
    finders = (search.people("user"),)
    search_help_text = PEOPLE
    date_hierarchy = "found_at"
    ordering = ("-found_at", "-id")
    sortable_by = ()
    export_also = ("found_at", "facts", "note", "settled_by")
    actions = None
    fields = (
        "kind", "person", "subject", "told", "found_at", "note", "settled_at", "settled_by",
    )  # fmt: skip
    readonly_fields = (
        "kind", "person", "subject", "told", "found_at", "settled_at", "settled_by",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Matter, form: Any, change: bool) -> None:
        """Settle it, or open it again if the note is emptied."""
        obj.note = obj.note.strip()
        obj.settled_at = timezone.now() if obj.note else None
        obj.settled_by = request.user.get_username() if obj.note else ""
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("person"))
    def person(self, matter: Matter) -> SafeString | str:
        return link_to(matter.user)

    @admin.display(description=gettext_lazy("facts"))
    def told(self, matter: Matter) -> str:
        facts = (f"{name.replace('_', ' ')}: {value}" for name, value in matter.facts.items())
        return ", ".join(facts) or "-"
