"""Where the admin shows a row."""

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def page_of(row: Model) -> str:
    """Return the address of a row's page."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def link_to(row: Model | None, text: str = "") -> SafeString | str:
    """Link to a row's page, under `text` or by its name; a dash if there is no row."""
    return format_html('<a href="{}">{}</a>', page_of(row), text or row) if row else "-"
