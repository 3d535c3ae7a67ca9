"""The dashboard as a tag, so that the admin's first page stays the built-in view."""

from typing import Any

from django import template

from mimivibes.admin import dashboard as page

register = template.Library()


@register.inclusion_tag("admin/dashboard.html", takes_context=True)
def dashboard(context: template.Context) -> dict[str, Any]:
    """Show what this member of staff may see of the dashboard."""
    return page.dashboard(context["request"])


@register.filter
def grouped(number: int) -> str:
    """Write a number with its thousands apart, as the rest of the admin does."""
    return f"{number:,}"


@register.filter
def signed(number: int) -> str:
    """Write a change of an amount with its sign; nothing is a dash."""
    return f"{number:+,}" if number else "—"
