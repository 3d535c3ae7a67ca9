"""Large grants that wait for a second person, and what became of them."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.corrections import CorrectableAdmin
from backoffice.links import link_to
from rewards.admin.corrections import APPROVE, REFUSE
from rewards.admin.ledger import LedgerAdmin
from rewards.amounts import Currency
from rewards.models import GrantRequest
from rewards.services.effects import in_words

Status = GrantRequest.Status
ALL = "all"


class StatusFilter(admin.SimpleListFilter):
    """Begin with what waits."""

    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Status.choices, (ALL, gettext_lazy("All"))]

    def chosen(self) -> str:
        return self.value() or Status.WAITING

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            yield {
                "selected": self.chosen() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.chosen() == ALL else queryset.filter(status=self.chosen())


@admin.register(GrantRequest)
class GrantRequestAdmin(LedgerAdmin, CorrectableAdmin):
    """Whoever may approve decides here, but never on what they asked for themselves."""

    list_display = ("__str__", "user", "amounts", "requested_by", "requested_at", "age", "status")
    list_select_related = ("user", "requested_by")
    list_filter = (StatusFilter,)
    finders = (search.people("user"),)
    search_help_text = gettext_lazy("A person (Clerk id, e-mail address, name) or how one begins")
    date_hierarchy = "requested_at"
    ordering = ("-requested_at", "-id")
    sortable_by = ("requested_at",)
    exported_as = {"amounts": tuple(Currency.values)}
    export_also = ("reason", "decided_at", "decision_reason")
    fields = (
        "person", "amounts", "reason", "requested_by", "requested_at", "age", "status",
        "decided_by", "decided_at", "decision_reason", "paid_by",
    )  # fmt: skip
    readonly_fields = fields
    corrections = (APPROVE, REFUSE)

    def offered(self, request: HttpRequest, subject: Model) -> list[tuple[str | Promise, str]]:
        is_ones_own = getattr(subject, "requested_by_id", None) == request.user.pk
        return [] if is_ones_own else super().offered(request, subject)

    @admin.display(description=gettext_lazy("person"))
    def person(self, request: GrantRequest) -> SafeString | str:
        return link_to(request.user)

    @admin.display(description=gettext_lazy("amounts"))
    def amounts(self, request: GrantRequest) -> str:
        return in_words(request.amounts)

    @admin.display(description=gettext_lazy("waiting for"))
    def age(self, request: GrantRequest) -> str:
        return timesince(request.requested_at, request.decided_at)

    @admin.display(description=gettext_lazy("transaction"))
    def paid_by(self, request: GrantRequest) -> SafeString | str:
        return link_to(request.transaction)
