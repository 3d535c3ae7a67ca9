"""The ledger for staff: everything to be read, nothing to be changed but rules and rates."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from rewards.amounts import Amounts
from rewards.models import Balance, Entry, ExchangeRate, RewardRule, Transaction

COUNTED = 10_000
"""Lists count, and page, this far; further back one comes by searching."""
RECENT = 2_000
"""How many of the newest transactions tell which kinds there are to filter by."""


def shown(amounts: Amounts) -> str:
    """Write amounts for people, e.g. `+3 stars, -15 coins`."""
    parts = [f"{amount:+,} {name.replace('_', ' ')}" for name, amount in amounts if amount]
    return ", ".join(parts) or "nothing"


def users_matching(term: str) -> list[int]:
    """Return users by Clerk id or e-mail address, or by the beginning of a name."""
    people = get_user_model().objects.filter(
        Q(clerk_id=term)
        | Q(username=term)
        | Q(email__iexact=term)
        | Q(first_name__istartswith=term)
        | Q(last_name__istartswith=term)
    )
    return list(people.values_list("pk", flat=True)[:COUNTED])


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Count no further than anybody pages: a list of millions of rows opens at once."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


class LedgerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows, and lets nobody add, change or delete one, superusers included."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term or "\x00" in term:
            return queryset, False
        return queryset.filter(self.matching(term)), False

    def matching(self, term: str) -> Q:
        """Return the condition for a search; people are looked up first, so that indexes serve."""
        return Q(user__in=users_matching(term))


class EntryInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Entry
    fields = ("account", "currency", "amount_shown")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("user").order_by("pk")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="account")
    def account(self, entry: Entry) -> str:
        return str(entry.user) if entry.user else f"house: {entry.get_house_display()}"

    @admin.display(description="amount")
    def amount_shown(self, entry: Entry) -> str:
        return f"{entry.amount:+,}"


class KindFilter(admin.SimpleListFilter):
    """Offer the kinds of the newest transactions; a DISTINCT of all would read the whole table."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Transaction.objects.order_by("-created_at", "-id").values_list("kind")[:RECENT]
        kinds = {kind for (kind,) in newest}
        return [(kind, kind.replace("_", " ")) for kind in sorted(kinds)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin):
    list_display = ("created_at", "kind", "user", "change", "memo", "reference", "actor")
    list_display_links = ("created_at", "kind")
    list_filter = (KindFilter, "created_at")
    list_select_related = ("user",)
    ordering = ("-created_at", "-id")
    search_fields = ("user",)
    search_help_text = "Clerk id, e-mail address, name, reference, idempotency key or id"
    fields = (
        "id",
        "created_at",
        "kind",
        "user",
        "change",
        "memo",
        "reference",
        "actor",
        "idempotency_key",
        "reverses",
        "reversal",
    )
    readonly_fields = fields
    inlines = (EntryInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transaction]:
        return super().get_queryset(request).prefetch_related("entries")

    def matching(self, term: str) -> Q:
        found = super().matching(term)
        found |= Q(reference__startswith=term) | Q(idempotency_key__startswith=term)
        try:
            return found | Q(pk=UUID(term))
        except ValueError:
            return found

    @admin.display(description="amounts")
    def change(self, transaction: Transaction) -> str:
        return shown(transaction.amounts)

    @admin.display(description="reversed by")
    def reversal(self, transaction: Transaction) -> str:
        return str(Transaction.objects.filter(reverses=transaction).first() or "-")


@admin.register(Entry)
class EntryAdmin(LedgerAdmin):
    list_display = ("id", "transaction", "user", "house", "currency", "amount_shown")
    list_filter = ("currency", "house")
    list_select_related = ("transaction", "user")
    ordering = ("-id",)
    search_fields = ("user",)
    search_help_text = "Clerk id, e-mail address, name or id of the transaction"
    fields = ("id", "transaction", "user", "house", "currency", "amount_shown")
    readonly_fields = fields

    def matching(self, term: str) -> Q:
        try:
            return super().matching(term) | Q(transaction=UUID(term))
        except ValueError:
            return super().matching(term)

    @admin.display(description="amount")
    def amount_shown(self, entry: Entry) -> str:
        return f"{entry.amount:+,}"


@admin.register(Balance)
class BalanceAdmin(LedgerAdmin):
    list_display = ("user", "currency", "amount_shown")
    list_filter = ("currency",)
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("user",)
    search_help_text = "Clerk id, e-mail address or name"
    fields = ("user", "currency", "amount_shown")
    readonly_fields = fields

    @admin.display(description="amount")
    def amount_shown(self, balance: Balance) -> str:
        return f"{balance.amount:,}"


@admin.register(RewardRule)
class RewardRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A rule is switched off, not deleted: what it paid stands on the ledger under its id."""

    list_display = ("name", "trigger", "threshold", "period", "pays", "is_active")
    list_filter = ("is_active", "period")
    search_fields = ("name", "trigger")
    ordering = ("trigger", "threshold")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="pays")
    def pays(self, rule: RewardRule) -> str:
        return shown(rule.amounts)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A rate is changed by switching it off and adding another, so that history stays readable."""

    list_display = ("from_currency", "to_currency", "price", "is_active", "created_at")
    list_filter = ("is_active",)
    ordering = ("from_currency", "to_currency", "-created_at")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        agreed = ("from_currency", "to_currency", "price") if obj else ()
        return (*agreed, *super().get_readonly_fields(request))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
