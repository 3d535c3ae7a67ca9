"""Amounts of the four currencies, the value that the whole project passes around."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from django.db import models
from django.utils.translation import gettext_lazy as _


class Currency(models.TextChoices):
    """What the ledger counts."""

    STARS = "stars", _("Stars")
    FREE_POINTS = "free_points", _("Free points")
    COINS = "coins", _("Coins")
    EXP = "exp", _("Experience")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Whole units of each currency; falsy if all are zero."""

    stars: int = 0
    free_points: int = 0
    coins: int = 0
    exp: int = 0

    def __bool__(self) -> bool:
        return any(amount for _currency, amount in self)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Yield each currency with its amount, the zero ones too, in a fixed order."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(a + b for (_, a), (_, b) in zip(self, other, strict=True)))

    def __neg__(self) -> "Amounts":
        return Amounts(*(-amount for _currency, amount in self))

    def as_dict(self) -> dict[str, int]:
        """Return all four keys, as the API shows amounts."""
        return dict(self)
