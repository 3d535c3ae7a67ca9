"""What the house pays by itself, and at what rates currencies are exchanged."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.lists import ListAdmin
from rewards.amounts import Currency
from rewards.models import ExchangeRate, RewardRule
from rewards.wording import signed


@admin.register(RewardRule)
class RewardRuleAdmin(ListAdmin):
    """A rule is switched off, not deleted: what it paid stands on the ledger under its id."""

    list_display = ("name", "trigger", "threshold", "period", "pays", "is_active")
    list_filter = ("is_active", "period")
    finders = (search.begins_in_any_case("name", "trigger"),)
    ordering = ("trigger", "threshold")
    sortable_by = ("name", "trigger", "threshold")
    exported_as = {"pays": tuple(Currency.values)}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("pays"))
    def pays(self, rule: RewardRule) -> str:
        return signed(rule.amounts)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ListAdmin):
    """A rate is changed by switching it off and adding another, so that history stays readable."""

    list_display = ("from_currency", "to_currency", "price", "is_active", "created_at")
    list_filter = ("is_active", "from_currency", "to_currency")
    date_hierarchy = "created_at"
    ordering = ("from_currency", "to_currency", "-created_at")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        agreed = ("from_currency", "to_currency", "price") if obj else ()
        return (*agreed, *super().get_readonly_fields(request))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
