"""Filters of lists, none of which reads a whole table to know what it can offer."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import Field, Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

MOST_VALUES = 100


def present_values(model: type[Model], column: str) -> list[str]:
    """Return the values of a text column, the empty one left out, in order, the first hundred.

    Each is found from the one before, by one step in an index that begins with the column.
    """
    table, name = (connection.ops.quote_name(n) for n in (model._meta.db_table, column))
    # That it is not empty is said for indexes that leave the empty ones out.
    smallest = f"SELECT {name} FROM {table} WHERE {name} > ''"
    first, later = (
        f"({smallest}{more} ORDER BY 1 LIMIT 1)" for more in ("", f" AND {name} > value")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE present (value) AS ({first} UNION ALL SELECT {later} FROM present"
            " WHERE value IS NOT NULL) SELECT value FROM present WHERE value IS NOT NULL LIMIT %s",
            [MOST_VALUES],
        )
        return [value for (value,) in cursor.fetchall()]


class ValuesFilter(admin.FieldListFilter):
    """Offer the values that are there of a text column with an index."""

    def __init__(
        self,
        field: "Field[Any, Any]",
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        self.field_path = field_path
        super().__init__(field, request, params, model, model_admin, field_path)
        self.values = present_values(model, str(field.column))

    def expected_parameters(self) -> list[str | None]:
        return [self.field_path]

    def told(self, value: str) -> str:
        return value.replace("_", " ")

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen: Any = self.used_parameters.get(self.field_path)
        chosen = chosen[-1] if isinstance(chosen, list) else chosen
        yield {
            "selected": chosen is None,
            "query_string": changelist.get_query_string(remove=[self.field_path]),
            "display": _("All"),
        }
        for value in self.values:
            yield {
                "selected": value == chosen,
                "query_string": changelist.get_query_string({self.field_path: value}),
                "display": self.told(value),
            }
