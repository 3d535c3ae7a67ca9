"""Lists as CSV: every row that the list would show, page by page, at constant memory.

Spreadsheets run what begins like a formula: such text gets an apostrophe before it, numbers stay
numbers. Who may not see personal data gets a fixed word in its place. Each export is in the admin's
log from its beginning, and says there how it ended; that something was searched for, but not what.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import unescape
from io import StringIO
from operator import attrgetter
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice.records import in_english

PAGE = 2_000
"""Rows that are in memory at a time."""
MAY_SEE_PERSONAL_DATA = "accounts.view_personal_data"
PERSONAL_FIELDS = frozenset({"email", "first_name", "last_name", "image_url", "landing_url"})
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets know that what follows is UTF-8."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_BEGINS_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@\t\r\n＝＋－＠]")  # full-width forms too
# Where a spreadsheet of another language, or one that knows no quotes, would begin a new cell.
_BEGINS_LATER = re.compile(r"([;\t\r\n][\s\"\u200b\ufeff]*)(?=[=+\-@＝＋－＠])")


def as_cell(value: Any) -> str:
    """Return a value as it stands in the file: times in UTC, numbers plain, text harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return _harmless(json.dumps(value, ensure_ascii=False))
    if isinstance(value, SafeString):
        return _harmless(unescape(strip_tags(value)))
    return _harmless(str(value))


def _harmless(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return text
    text = _BEGINS_LATER.sub(r"\1'", text)
    return f"'{text}" if _BEGINS_FORMULA.match(text) else text


@dataclass(frozen=True, slots=True)
class Column:
    """What the file shows of a row, under which heading."""

    heading: str
    value: Callable[[Any], Any]
    is_personal: bool = False


class ExportsList(admin.ModelAdmin):  # type: ignore[type-arg]
    """Offers a list as CSV.

    The columns are the list's with the row's own id and those it refers to. `exported_as` names,
    for a column that is made for reading, the attributes that stand for it in the file;
    `export_also` adds fields; `personal_columns` are columns that tell names or addresses.
    """

    exported_as: Mapping[str, Sequence[str]] = {}
    export_also: Sequence[str] = ()
    personal_columns: Sequence[str] = ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=self.url_name("export")), *super().get_urls()]

    def url_name(self, page: str) -> str:
        """Name a page of this model as Django names its own, `changelist` and `change`."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        hidden = [] if may_see_personal_data(request) else self._personal_headings(request)
        address = reverse(f"admin:{self.url_name('export')}")
        context = {"export_address": address, "export_hides": hidden}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send the rows that the list shows under the same address, all pages of it."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        request.is_export = True  # type: ignore[attr-defined]
        columns = self.export_columns(request)
        try:
            rows = self.get_changelist_instance(request).queryset
            export = Export(rows, columns, translation.get_language() or "en")
            export.begin()
        except (IncorrectLookupParameters, ValueError, ValidationError, DataError):
            return HttpResponseRedirect(reverse(f"admin:{self.url_name('changelist')}"))
        export.log = ExportLog(request, self.model, any(column.is_personal for column in columns))
        response = StreamingHttpResponse(export.chunks(), content_type="text/csv; charset=utf-8")
        name = f"{self.opts.model_name}-{timezone.now():%Y-%m-%d}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def export_columns(self, request: HttpRequest) -> list[Column]:
        """Return the columns of the file, for whoever asks; what is hidden is personal no more."""
        columns = self._all_columns(request)
        if may_see_personal_data(request):
            return columns
        hidden = _("hidden")
        return [
            Column(column.heading, lambda row: hidden) if column.is_personal else column
            for column in columns
        ]

    def _all_columns(self, request: HttpRequest) -> list[Column]:
        references = [field.attname for field in self.opts.concrete_fields if field.is_relation]
        ids = [self.opts.pk.attname, *references]
        listed = [*self.get_list_display(request), *self.export_also]
        return [
            *(Column(name, attrgetter(name)) for name in ids),
            *(column for name in listed if name not in ids for column in self._columns(name)),
        ]

    def _columns(self, name: Any) -> Iterator[Column]:
        for attribute in self.exported_as.get(name, ()):
            yield Column(attribute.rpartition(".")[2], attrgetter(attribute))
        if name not in self.exported_as:
            heading = str(label_for_field(name, self.model, self))
            is_personal = name in PERSONAL_FIELDS or name in self.personal_columns
            yield Column(heading, lambda row: self._listed(name, row), is_personal)

    def _listed(self, name: Any, row: Model) -> Any:
        """Return what the list shows in a column, as a value."""
        try:
            field, _attribute, value = lookup_field(name, row, self)
        except ObjectDoesNotExist:
            return None
        if field is not None and getattr(field, "choices", None):
            return getattr(row, f"get_{field.name}_display")()
        return value

    def _personal_headings(self, request: HttpRequest) -> list[str]:
        return [c.heading for c in self._all_columns(request) if c.is_personal]


def is_export(request: HttpRequest) -> bool:
    return getattr(request, "is_export", False)


def may_see_personal_data(request: HttpRequest) -> bool:
    return request.user.has_perm(MAY_SEE_PERSONAL_DATA)


def filter_told(asked: QueryDict) -> str:
    """Name a list's filter for the log, which is kept for ever: no address, no name, no search."""
    told = asked.copy()
    for name in asked:
        if name == SEARCH_VAR or name.partition(LOOKUP_SEP)[0] in PERSONAL_FIELDS:
            told[name] = "hidden"
    return told.urlencode() or "no filter"


class ExportLog:
    """The line about an export in the admin's log; made at once, completed at the end."""

    def __init__(self, request: HttpRequest, model: type[Model], is_personal: bool) -> None:
        self._filter = filter_told(request.GET)
        self._personal = "With personal data." if is_personal else "Without personal data."
        with in_english():
            about = str(model._meta.verbose_name_plural)
        self._entry = LogEntry.objects.create(
            user_id=cast(int, request.user.pk),
            content_type=ContentType.objects.get_for_model(model),
            object_repr=about[:200],
            action_flag=CHANGE,
            change_message=f"Export as CSV begun ({self._filter}). {self._personal}",
        )

    def end(self, *, rows: int, is_complete: bool) -> None:
        done = "Exported as CSV:" if is_complete else "Export stopped after"
        self._entry.change_message = f"{done} {rows} rows ({self._filter}). {self._personal}"
        self._entry.save(update_fields=["change_message"])


class Export:
    """One export: its chunks are made while they are sent, a page of rows each."""

    log: ExportLog

    def __init__(self, rows: QuerySet[Any], columns: list[Column], language: str) -> None:
        self.rows = rows.order_by("pk")
        self.columns = columns
        self.language = language
        self.written = 0
        self._last: Any = None
        self._next = b""

    def begin(self) -> None:
        """Read the first page, so that what cannot be asked is known before anything is sent."""
        self._next = self._page()

    def chunks(self) -> Iterator[bytes]:
        sent, is_complete = 0, False
        try:
            yield BYTE_ORDER_MARK.encode() + _line(column.heading for column in self.columns)
            while chunk := self._next:
                sent = self.written
                yield chunk
                self._next = self._page()
            is_complete = True
        finally:
            self.log.end(rows=sent, is_complete=is_complete)

    def _page(self) -> bytes:
        """Return the next rows by primary key: no cursor is kept open, no row is counted off."""
        rows = self.rows if self._last is None else self.rows.filter(pk__gt=self._last)
        page = list(rows[:PAGE])
        if not page:
            return b""
        self._last = page[-1].pk
        self.written += len(page)
        with translation.override(self.language):
            return b"".join(_line(column.value(row) for column in self.columns) for row in page)


def _line(values: Iterator[Any]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow([as_cell(value) for value in values])
    return line.getvalue().encode()
