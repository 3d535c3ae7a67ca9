"""Amounts as people read them."""

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rewards.amounts import Amounts


def in_words(amounts: Amounts) -> str:
    """Return amounts as a sentence has them, e.g. `1 star and 50 coins`, whatever their signs."""
    parts = [_unit(name, n, f"{abs(n):,}") for name, n in amounts if n]
    return get_text_list(parts, _("and")) or _("nothing")


def signed(amounts: Amounts) -> str:
    """Return amounts with their signs, e.g. `+1 star, -50 coins`; a dash for nothing."""
    return ", ".join(_unit(name, n, f"{n:+,}") for name, n in amounts if n) or "—"


def _unit(currency: str, n: int, shown: str) -> str:
    units = {
        "stars": ngettext("%(n)s star", "%(n)s stars", abs(n)),
        "free_points": ngettext("%(n)s free point", "%(n)s free points", abs(n)),
        "coins": ngettext("%(n)s coin", "%(n)s coins", abs(n)),
        "exp": ngettext("%(n)s experience point", "%(n)s experience points", abs(n)),
    }
    return units[currency] % {"n": shown}
