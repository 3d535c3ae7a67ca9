"""Transactions, entries and balances."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.filters import ValuesFilter
from backoffice.lists import ReadOnlyAdmin, ReadOnlyInline
from rewards.admin.amounts import shown
from rewards.amounts import Currency
from rewards.models import Balance, Entry, Transaction


class LedgerAdmin(ReadOnlyAdmin):
    """Shows rows, and lets nobody add, change or delete one, superusers included."""

    actions = None


class EntryInline(ReadOnlyInline):
    model = Entry
    fields = ("account", "currency", "amount_shown")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("user").order_by("pk")

    @admin.display(description="account")
    def account(self, entry: Entry) -> str:
        return str(entry.user) if entry.user else f"house: {entry.get_house_display()}"

    @admin.display(description="amount")
    def amount_shown(self, entry: Entry) -> str:
        return f"{entry.amount:+,}"


def by_reference(term: search.Term) -> Q:
    """Find transactions by how their reference or idempotency key begins, or by what they are for.

    The id of an attribution finds what was paid for it.
    """
    begun = {term.text, term.compact}
    found = search.any_of(Q(idempotency_key__startswith=text) for text in begun)
    if term.uuid:
        begun.add(f"attribution:{term.uuid}")
    # That the reference is not empty is said for the index, which holds those alone.
    return found | Q(reference__gt="") & search.any_of(
        Q(reference__startswith=text) for text in begun
    )


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin):
    list_display = ("created_at", "kind", "user", "change", "memo", "reference", "actor")
    list_display_links = ("created_at", "kind")
    list_filter = (("kind", ValuesFilter),)
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    finders = (search.people("user"), search.uuid("id"), by_reference)
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name), a reference, an idempotency key, or how one of"
        " them begins; the id of a transaction or of an attribution"
    )
    exported_as = {"change": tuple(f"amounts.{currency}" for currency in Currency.values)}
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
    date_hierarchy = "transaction__created_at"
    ordering = ("-id",)
    sortable_by = ("id",)
    finders = (search.people("user"), search.uuid("transaction"), search.number("id"))
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name) or how one begins; the id of a transaction or of"
        " an entry"
    )
    exported_as = {"amount_shown": ("amount",)}
    fields = ("id", "transaction", "user", "house", "currency", "amount_shown")
    readonly_fields = fields

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Follow the transactions, which alone know the time, where a time is asked for."""
        if f"{self.date_hierarchy}__year" in request.GET:
            return ("-transaction__created_at", "-transaction_id", "-id")
        return self.ordering

    @admin.display(description="amount")
    def amount_shown(self, entry: Entry) -> str:
        return f"{entry.amount:+,}"


@admin.register(Balance)
class BalanceAdmin(LedgerAdmin):
    list_display = ("user", "currency", "amount_shown")
    list_filter = ("currency",)
    list_select_related = ("user",)
    ordering = ("-id",)
    finders = (search.people("user"),)
    search_help_text = gettext_lazy("A person (Clerk id, e-mail address, name) or how one begins")
    exported_as = {"amount_shown": ("amount",)}
    fields = ("user", "currency", "amount_shown")
    readonly_fields = fields

    @admin.display(description="amount")
    def amount_shown(self, balance: Balance) -> str:
        return f"{balance.amount:,}"
