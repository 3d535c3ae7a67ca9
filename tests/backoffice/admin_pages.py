"""What the admin offers: every page, and every action of every list, read off the site itself."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, URLResolver

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^()]*(?:\([^()]*\))?[^()]*\)")


def pages(rows: dict[type[Model], Model]) -> dict[str, str]:
    """Return the address of every page by its name, about a row of the model that it belongs to.

    A page without a name goes by its route.
    """
    return {
        pattern.name or route: _address(route, rows) for pattern, route in _patterns(_site(), "")
    }


def actions() -> Iterator[tuple[str, str, type[Model]]]:
    """Yield model, name and class of every action that a list may offer to somebody."""
    for model, model_admin in admin.site._registry.items():
        if model_admin.actions is not None:
            for _function, name, _description in model_admin._get_base_actions():
                yield model._meta.label_lower, name, model


def _site() -> list[Any]:
    return list(admin.site.get_urls())


def _patterns(found: list[Any], before: str) -> Iterator[tuple[URLPattern, str]]:
    for pattern in found:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, route)
        else:
            yield pattern, route


def _address(route: str, rows: dict[type[Model], Model]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name == "app_label":
            return "rewards"
        if name == "content_type_id":
            return str(ContentType.objects.get_for_model(next(iter(rows))).pk)
        if name == "url":
            return "there/is/no/such/page/"
        return str(_row_of(route, rows).pk)

    return "/admin/" + re.sub(r"[\^$]|\\Z", "", ARGUMENT.sub(value, route))


def _row_of(route: str, rows: dict[type[Model], Model]) -> Model:
    app_label, model_name, *_ = route.split("/")
    if app_label == "r":
        return next(iter(rows.values()))
    return rows[apps.get_model(app_label, model_name)]
