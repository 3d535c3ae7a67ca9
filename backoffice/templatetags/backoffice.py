"""Links between pages of the admin: shown as links to those only who may open them."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.apps import apps
from django.contrib.admin.sites import site
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.links import link_to

register = template.Library()


@register.simple_tag(takes_context=True)
def row_link(context: dict[str, Any], row: Model | None, text: Any = None) -> str | SafeString:
    """Link to the page of `row`, under `text` or its own name; plain text without a page to see."""
    if row is None:
        return "" if text is None else str(text)
    shown = str(row if text is None else text)
    if not _may_see(context, type(row)):
        return shown
    return link_to(row, shown)


@register.simple_tag(takes_context=True)
def list_link(context: dict[str, Any], of: str, text: Any, **filters: Any) -> str | SafeString:
    """Link to the list of a model (`app.model`), filtered; nothing for who may not see it."""
    model = apps.get_model(of)
    if not _may_see(context, model):
        return ""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(filters), text)


def _may_see(context: dict[str, Any], model: type[Model]) -> bool:
    page = site._registry.get(model)
    request = context["request"]
    return page is not None and page.has_view_permission(request)
