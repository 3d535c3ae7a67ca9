"""Lists of the admin that open at once on millions of rows, and pages that change nothing."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED = 10_000
"""Lists count, and page, this far; further back one comes by searching."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Count no further than anybody pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


class ListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A model whose table may be large."""

    class Media:
        css = {"all": ("backoffice/backoffice.css",)}

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50


class _NobodyChanges:
    """No add, no change, no delete, for superusers neither."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(_NobodyChanges, ListAdmin):
    """Look, do not touch."""


class ReadOnlyInline(_NobodyChanges, admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the page's own, to be read."""

    extra = 0
    can_delete = False
