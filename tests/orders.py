"""People at one browser, in every order: the orders, and what is expected of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, permutations

OUT = "sign out"
CLAIM = "claim"


@dataclass
class Expected:
    """The rules of isolation, in few lines: what each person holds and is attributed by."""

    present: str | None = None
    unclaimed: list[tuple[int, str]] = field(default_factory=list)
    held: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    attributed: dict[str, str] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=count)

    def open(self, code: str) -> None:
        mine = self.held[self.present] if self.present else self.unclaimed
        mine.append((next(self.clock), code))

    def sign_in(self, name: str) -> None:
        self.present = name
        self.held.setdefault(name, []).extend(self.unclaimed)
        self.unclaimed = []

    def claim(self) -> str | None:
        """Return the code that the person present is now attributed by."""
        name = self.present
        assert name is not None
        if name not in self.attributed and self.held[name]:
            self.attributed[name] = max(self.held[name])[1]
            self.held[name] = []
        return self.attributed.get(name)

    def claim_at_home(self, name: str) -> str | None:
        """Let `name` claim what is left to them where nobody else has been."""
        self.present = name
        self.held.setdefault(name, [])
        return self.claim()


def orders_of(steps: list[str], *alike: list[str]) -> list[tuple[str, ...]]:
    """Return all orders of `steps`, one of those that differ only in who is who among `alike`."""
    return [
        order
        for order in permutations(steps)
        if all(sorted(names, key=order.index) == names for names in alike)
    ]
