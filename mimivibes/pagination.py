"""Cursor pages, the only kind of list that the API gives."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class CursorPages(CursorPagination):
    """Page by cursor in the view's `ordering`; `page_size` is 1 to 100, 20 unless asked."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(view.ordering)
