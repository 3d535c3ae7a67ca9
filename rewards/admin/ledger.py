"""Transactions, entries and balances."""

from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.corrections import CorrectableAdmin
from backoffice.filters import ValuesFilter
from backoffice.links import link_to
from backoffice.lists import ReadOnlyAdmin, ReadOnlyInline
from backoffice.records import actor_told
from backoffice.references import row_behind
from rewards.admin.corrections import REVERSE
from rewards.amounts import Currency
from rewards.models import Balance, Entry, GrantRequest, Transaction, kind_told
from rewards.services import memo_told
from rewards.wording import signed


class LedgerAdmin(ReadOnlyAdmin):
    """Shows rows, and lets nobody add, change or delete one, superusers included."""

    actions = None


class EntryInline(ReadOnlyInline):
    model = Entry
    fields = ("account", "currency", "amount_shown")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("user").order_by("pk")

    @admin.display(description=gettext_lazy("account"))
    def account(self, entry: Entry) -> str:
        if entry.user:
            return str(entry.user)
        return _("house: %(account)s") % {"account": entry.get_house_display()}

    @admin.display(description=gettext_lazy("amount"))
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


class KindFilter(ValuesFilter):
    def told(self, value: str) -> str:
        return kind_told(value)


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin, CorrectableAdmin):
    """A transaction with its entries, and with what it reverses and what reverses it."""

    list_display = (
        "created_at",
        "kind_told",
        "user",
        "change",
        "memo_told",
        "reference",
        "actor_told",
    )
    list_display_links = ("created_at", "kind_told")
    list_filter = (("kind", KindFilter),)
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    finders = (search.people("user"), search.uuid("id"), by_reference)
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name), a reference, an idempotency key, or how one of"
        " them begins; the id of a transaction or of an attribution"
    )
    exported_as = {
        "kind_told": ("kind",),
        "change": tuple(f"amounts.{currency}" for currency in Currency.values),
        "memo_told": ("memo",),
        "actor_told": ("actor",),
    }
    fields = (
        "id",
        "created_at",
        "kind_told",
        "person",
        "change",
        "memo_told",
        "note",
        "belongs_to",
        "actor_told",
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

    @admin.display(description=gettext_lazy("kind"))
    def kind_told(self, transaction: Transaction) -> str:
        return kind_told(transaction.kind)

    @admin.display(description=gettext_lazy("memo"))
    def memo_told(self, transaction: Transaction) -> str:
        return memo_told(transaction) or "-"

    @admin.display(description=gettext_lazy("actor"))
    def actor_told(self, transaction: Transaction) -> str:
        return actor_told(transaction.actor)

    @admin.display(description=gettext_lazy("amounts"))
    def change(self, transaction: Transaction) -> str:
        return signed(transaction.amounts)

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

    @admin.display(description=gettext_lazy("amount"))
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

    @admin.display(description=gettext_lazy("amount"))
    def amount_shown(self, balance: Balance) -> str:
        return f"{balance.amount:,}"
