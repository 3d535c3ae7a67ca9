"""Links to rows of the admin, and to the row that an opaque `kind:id` stands for."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

Finder = Callable[[str], Model | None]
_finders: dict[str, Finder] = {}


def register_reference(kind: str, find: Finder) -> None:
    """Let `find` say which row `kind:…` stands for, given what follows the colon."""
    _finders[kind] = find


def row_behind(reference: str) -> Model | None:
    """Return the row that a reference stands for; None if nobody knows, or it is gone."""
    kind, _colon, id_ = reference.partition(":")
    find = _finders.get(kind)
    return find(id_) if find else None


def link_to(row: Model, text: Any = None) -> SafeString:
    """Link to the page of `row` in the admin, under `text` or its own name."""
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row if text is None else text)
