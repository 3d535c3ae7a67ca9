"""Parts of a list's page."""

import datetime
from typing import Any

from django import template
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import DateTimeField, Max, Min
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

register = template.Library()
LEVELS = ("year", "month", "day")


@register.inclusion_tag("admin/date_hierarchy.html")
def dates_between(cl: Any) -> dict[str, Any]:
    """Offer the years, months or days between the first and the last row of the table.

    Django's own asks for the distinct dates of all rows; this one looks at both ends of an index.
    """
    first, last = _ends(cl)
    if first is None or last is None:
        return {"show": False}
    chosen = _chosen(cl) or _without_choice(first, last)
    level = LEVELS[len(chosen)] if len(chosen) < 3 else ""
    return {
        "show": True,
        "back": _back(cl, chosen) if _chosen(cl) else None,
        "choices": [
            {"link": _link(cl, (*chosen, number)), "title": _title((*chosen, number))}
            for number in _between(level, chosen, first, last)
        ]
        if level
        else [{"title": _title(chosen)}],
    }


def _ends(cl: Any) -> tuple[datetime.date | None, datetime.date | None]:
    field = get_fields_from_path(cl.model, cl.date_hierarchy)[-1]
    ends = field.model._default_manager.aggregate(first=Min(field.name), last=Max(field.name))
    if isinstance(field, DateTimeField):
        ends = {end: at and timezone.localtime(at).date() for end, at in ends.items()}
    return ends["first"], ends["last"]


def _chosen(cl: Any) -> tuple[int, ...]:
    """Return the year, month and day that the address names, as far as it does."""
    numbers: list[int] = []
    for level in LEVELS:
        named = cl.params.get(f"{cl.date_hierarchy}__{level}")
        if not named:
            break
        numbers.append(int(named))
    return tuple(numbers)


def _without_choice(first: datetime.date, last: datetime.date) -> tuple[int, ...]:
    if (first.year, first.month) == (last.year, last.month):
        return (first.year, first.month)
    return (first.year,) if first.year == last.year else ()


def _between(
    level: str, chosen: tuple[int, ...], first: datetime.date, last: datetime.date
) -> list[int]:
    if level == "year":
        return list(range(first.year, last.year + 1))
    everything = range(1, 13) if level == "month" else range(1, _days(*chosen) + 1)
    start = (first.year, first.month, first.day)[: len(chosen) + 1]
    end = (last.year, last.month, last.day)[: len(chosen) + 1]
    return [number for number in everything if start <= (*chosen, number) <= end]


def _days(year: int, month: int) -> int:
    following = datetime.date(year + month // 12, month % 12 + 1, 1)
    return (following - datetime.timedelta(days=1)).day


def _title(parts: tuple[int, ...]) -> str:
    if len(parts) == 1:
        return str(parts[0])
    day = datetime.date(*(*parts, 1)[:3])
    shape = "YEAR_MONTH_FORMAT" if len(parts) == 2 else "MONTH_DAY_FORMAT"
    return str(capfirst(formats.date_format(day, shape)))


def _link(cl: Any, parts: tuple[int, ...]) -> str:
    named = {f"{cl.date_hierarchy}__{level}": n for level, n in zip(LEVELS, parts, strict=False)}
    return str(cl.get_query_string(named, [f"{cl.date_hierarchy}__"]))


def _back(cl: Any, chosen: tuple[int, ...]) -> dict[str, str]:
    parts = chosen[:-1]
    return {"link": _link(cl, parts), "title": _title(parts) if parts else _("All dates")}
