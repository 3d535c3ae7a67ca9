"""Lists of the admin that open at once on millions of rows, and pages that change nothing.

Nothing here counts, sorts or lists the distinct values of a whole table: a list is read in the
order of an index, and says so by its `ordering` and `sortable_by`.
"""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import DataError
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.export import ExportsList, is_export
from backoffice.records import in_english
from backoffice.search import Finder, Term, among, any_of, narrowed

COUNTED = 10_000
"""Lists count, and page, this far; further back one comes by searching."""

MOST_AT_ONCE = 100
"""An action is taken on as many rows; what counts no further than `COUNTED` cannot say "all"."""

UNSERVED = frozenset(
    {"contains", "icontains", "endswith", "iendswith", "regex", "iregex", "search", "range"}
    | {"trigram_similar", "unaccent", "startswith", "istartswith"}
)
"""Lookups for which an address, typed by hand, would have a whole table read; pages use none."""

SEARCHED = 2_000
"""A search shows as many of the newest rows that fit for one reason (as a referee, by a code)."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Count no further than anybody pages, in the list's order: by the index that serves it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())

    def page(self, number: Any) -> Page[Any]:
        """Walk to a later page along the index alone; join and read what is on it."""
        rows: Any = self.object_list
        if self.validate_number(number) == 1 or not isinstance(rows, QuerySet):
            return super().page(number)
        start = (self.validate_number(number) - 1) * self.per_page
        return Page(among(rows, rows.values("pk")[start : start + self.per_page]), number, self)


class BoundedChangeList(ChangeList):
    """Sort by what an index serves alone, and answer an address that makes no sense by the list."""

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            return super().get_filters(request)
        except (ValueError, OverflowError) as error:  # e.g. the year 9999, which has no next
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request: HttpRequest) -> None:
        if is_export(request):  # which reads the rows itself
            self.result_count, self.result_list = 0, self.queryset.none()
            return
        try:
            super().get_results(request)
        except (ValueError, ValidationError, DataError) as error:  # e.g. NUL in a filter
            raise IncorrectLookupParameters(error) from error

    def get_ordering_field(self, field_name: Any) -> Any:
        is_served = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_served else None


class LogsInEnglish(admin.ModelAdmin):  # type: ignore[type-arg]
    """Writes what staff did into the log in English, rows by their English names."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        with in_english():
            return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        with in_english():
            return super().log_change(request, obj, message)


class ListAdmin(LogsInEnglish, ExportsList):
    """A model whose table may be large.

    `finders` say what a search finds (`backoffice.search`); `sortable_by` names the columns that an
    index serves; `date_hierarchy` is to be the first of `ordering`.
    """

    class Media:
        css = {"all": ("backoffice/backoffice.css",)}

    change_list_template = "backoffice/change_list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by: ClassVar[tuple[str, ...]] = ()
    finders: tuple[Finder, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse what no index serves; to look for parts of texts there is the search."""
        is_served = UNSERVED.isdisjoint(lookup.split(LOOKUP_SEP)[1:])
        return is_served and super().lookup_allowed(lookup, value, request)

    def response_action(  # type: ignore[override]  # the stubs are a later Django's
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Refuse to act on a whole list, on all pages of it, unless it is a short one."""
        asks_for_all = "1" in request.POST.getlist("select_across")
        if asks_for_all and queryset[: MOST_AT_ONCE + 1].count() > MOST_AT_ONCE:
            told = _("Choose between 1 and %(most)d at once.") % {"most": MOST_AT_ONCE}
            self.message_user(request, told, messages.ERROR)
            return None
        return super().response_action(request, queryset)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Name something, so that the search box is shown, wherever something can be found."""
        return ("pk",) if self.finders else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        term = Term(search_term)
        if not term.text:
            return queryset.none(), False
        condition = any_of(finder(term) for finder in self.finders)
        # The page says that there are more people than it looked at.
        request.search_is_cut = term.is_cut  # type: ignore[attr-defined]
        if is_export(request):
            return queryset.filter(condition), False
        return narrowed(queryset, condition, most=SEARCHED), False


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
