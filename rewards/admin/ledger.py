"""Transactions, entries and balances."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from backoffice.corrections import CorrectableAdmin
from backoffice.links import link_to
from backoffice.lists import COUNTED, ReadOnlyAdmin, ReadOnlyInline
from backoffice.references import row_behind
from rewards.admin.amounts import shown
from rewards.admin.corrections import REVERSE
from rewards.models import Balance, Entry, GrantRequest, Transaction

RECENT = 2_000
"""How many of the newest transactions tell which kinds there are to filter by."""


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


class LedgerAdmin(ReadOnlyAdmin):
    """Shows rows, and lets nobody add, change or delete one, superusers included."""

    actions = None

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
class TransactionAdmin(LedgerAdmin, CorrectableAdmin):
    """A transaction with its entries, and with what it reverses and what reverses it."""

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
        "person",
        "change",
        "memo",
        "note",
        "belongs_to",
        "actor",
        "same_reference",
        "idempotency_key",
        "original",
        "reversal",
        "asked_for_by",
    )
    readonly_fields = fields
    inlines = (EntryInline,)
    corrections = (REVERSE,)

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

    @admin.display(description=gettext_lazy("belongs to"))
    def belongs_to(self, transaction: Transaction) -> SafeString | str:
        """Link to what the reference stands for; another app has told whose page that is."""
        return link_to(row_behind(transaction.reference))

    @admin.display(description=gettext_lazy("person"))
    def person(self, transaction: Transaction) -> SafeString | str:
        return link_to(transaction.user)

    @admin.display(description=gettext_lazy("reference"))
    def same_reference(self, transaction: Transaction) -> SafeString | str:
        """Link to all transactions with this reference; what it refers to is not ours to know."""
        if not transaction.reference:
            return "-"
        query = urlencode({"q": transaction.reference})
        address = reverse("admin:rewards_transaction_changelist")
        return format_html('<a href="{}?{}">{}</a>', address, query, transaction.reference)

    @admin.display(description=gettext_lazy("reverses"))
    def original(self, transaction: Transaction) -> SafeString | str:
        return link_to(transaction.reverses)

    @admin.display(description=gettext_lazy("reversed by"))
    def reversal(self, transaction: Transaction) -> SafeString | str:
        return link_to(Transaction.objects.filter(reverses=transaction).first())

    @admin.display(description=gettext_lazy("grant request"))
    def asked_for_by(self, transaction: Transaction) -> SafeString | str:
        return link_to(GrantRequest.objects.filter(transaction=transaction).first())


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
