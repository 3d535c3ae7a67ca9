"""What an import found and did: figures, quirks with examples, totals before and after.

People appear by their ids alone: no name, no e-mail address, no code in full.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from mimivibes.legacy.models import Matter
from mimivibes.legacy.quirks import QUIRKS
from rewards.amounts import Amounts, Currency

MOST_EXAMPLES = 5

# Where what the old rows say that people hold has gone, in the order of the report.
PLACES = {
    "opened": "opened on the ledger",
    "negative": "negative balances, not opened",
    "not_followed": "changed since it was opened, not followed",
    "deleted": "of deleted users, not opened",
    "gone": "of people erased on one side alone, not opened",
    "seed": "of seed users, not opened",
    "vanished": "of people not there any more, opened earlier",
}


@dataclass
class Report:
    """Grows while the import goes through the rows."""

    is_dry: bool
    rows: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    quirks: Counter[str] = field(default_factory=Counter)
    matters: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    places: dict[str, Amounts] = field(default_factory=lambda: dict.fromkeys(PLACES, Amounts()))
    balances: Amounts = field(default_factory=Amounts)
    on_ledger: Amounts = field(default_factory=Amounts)
    old_ledger: dict[str, Amounts] = field(default_factory=dict)
    settings: list[dict[str, str]] = field(default_factory=list)
    is_complete: bool = False

    def count(self, what: str, outcome: str, n: int = 1) -> None:
        """Count `n` rows of `what` that came out so."""
        self.rows[what][outcome] += n

    def note(self, quirk: str, row: str) -> None:
        """Count a quirk, and keep the first few ids as examples."""
        if quirk not in QUIRKS:
            raise KeyError(quirk)
        self.quirks[quirk] += 1
        self._show(quirk, row)

    def matter(self, kind: str, subject: str) -> None:
        self.matters[kind] += 1
        self._show(kind, subject)

    def put(self, place: str, amounts: Amounts) -> None:
        """Say where a part of the old balances has gone."""
        self.places[place] += amounts

    def move(self, origin: str, amounts: Amounts) -> None:
        """Add to what the rows of the old ledger come to."""
        self.old_ledger[origin] = self.old_ledger.get(origin, Amounts()) + amounts

    def _show(self, name: str, row: str) -> None:
        if len(self.examples[name]) < MOST_EXAMPLES:
            self.examples[name].append(row)

    @property
    def unexplained(self) -> Amounts:
        """What the old balances come to and no place accounts for: nothing, or there is a fault."""
        return self.balances + -sum(self.places.values(), Amounts())

    @property
    def missing_on_ledger(self) -> Amounts:
        """What was opened and is not on the ledger: nothing, or there is a fault."""
        return Amounts() if self.is_dry else self.places["opened"] + -self.on_ledger

    @property
    def is_sound(self) -> bool:
        """Return whether every unit of the old balances is accounted for."""
        return not self.is_complete or not (self.unexplained or self.missing_on_ledger)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON, which is also what is kept of the run."""
        return {
            "is_complete": self.is_complete,
            "is_sound": self.is_sound,
            "rows": {what: dict(outcomes) for what, outcomes in self.rows.items()},
            "quirks": {
                name: {"count": n, "examples": self.examples[name]}
                for name, n in sorted(self.quirks.items())
            },
            "to_settle": {
                kind: {"count": n, "examples": self.examples[kind]}
                for kind, n in sorted(self.matters.items())
            },
            "balances": {
                "before": self.balances.as_dict(),
                **{place: amounts.as_dict() for place, amounts in self.places.items()},
                "unexplained": self.unexplained.as_dict(),
                "on_ledger": self.on_ledger.as_dict(),
                "missing_on_ledger": self.missing_on_ledger.as_dict(),
            },
            "old_ledger": {
                **{origin: amounts.as_dict() for origin, amounts in self.old_ledger.items()},
                "difference_to_balances": (
                    self.balances + -self.old_ledger.get("PointTransaction", Amounts())
                ).as_dict(),
            },
            "settings": self.settings,
        }

    def write(self, path: Path) -> None:
        """Write it for people to read: HTML, or plain text if the name does not end in .html."""
        if path.suffix == ".html":
            text: str = render_to_string("legacy/report.html", self._context())
        else:
            text = "\n".join(self.lines()) + "\n"
        path.write_text(text, encoding="utf-8")

    def _context(self) -> dict[str, Any]:
        return {
            "report": self,
            "currencies": [Currency(currency).label for currency, _ in Amounts()],
            "balances": [(told, _figures(amounts)) for told, amounts in self._balance_lines()],
            "old_ledger": [(told, _figures(amounts)) for told, amounts in self._old_ledger_lines()],
            "rows": [(what, sorted(outcomes.items())) for what, outcomes in self.rows.items()],
            "quirks": self._noted(self.quirks, QUIRKS),
            "matters": self._noted(self.matters, _kinds_told()),
        }

    def lines(self) -> Iterator[str]:
        """Yield the report as plain text."""
        yield "Import of the earlier app" + (", a dry run" if self.is_dry else "")
        if not self.is_complete:
            yield "It is NOT complete: it was stopped. Run it again to go on."
        yield from self._table("Balances, before and after", self._balance_lines())
        yield f"  {self.verdict}"
        yield from self._table("What the old ledger says instead", self._old_ledger_lines())
        yield from ("", "Rows")
        for what, outcomes in self.rows.items():
            told = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(outcomes.items()))
            yield f"  {what}: {told}"
        for title, found in (
            ("Quirks, put right", self._noted(self.quirks, QUIRKS)),
            ("For staff to settle", self._noted(self.matters, _kinds_told())),
        ):
            yield from ("", title)
            for _name, told, n, examples in found:
                yield f"  {n:>9,}  {told} (e.g. {'; '.join(examples)})"
        yield from ("", "Settings there and here (nothing of ours was changed)")
        for setting in self.settings:
            yield "  {name}: there {there}; here {here}. {verdict}".format(**setting)

    @property
    def verdict(self) -> str:
        if not self.is_complete:
            return "Not compared, for not everything was read."
        if self.is_sound:
            return "Every unit is accounted for."
        return "FAULT: not every unit is accounted for. Keep this report and do not switch over."

    def _balance_lines(self) -> Iterator[tuple[str, Amounts]]:
        yield "before: what the old rows say", self.balances
        for place, told in PLACES.items():
            yield told, self.places[place]
        yield "unexplained", self.unexplained
        yield "after: openings on the ledger here", self.on_ledger

    def _old_ledger_lines(self) -> Iterator[tuple[str, Amounts]]:
        yield from self.old_ledger.items()
        moved = self.old_ledger.get("PointTransaction", Amounts())
        yield "balances less PointTransaction", self.balances + -moved

    def _table(self, title: str, lines: Iterator[tuple[str, Amounts]]) -> Iterator[str]:
        names = "".join(f"{currency:>16}" for currency, _ in Amounts())
        yield from ("", title, f"  {'':<48}{names}")
        for told, amounts in lines:
            yield f"  {told:<48}" + "".join(f"{figure:>16}" for figure in _figures(amounts))

    def _noted(
        self, found: Counter[str], told: dict[str, str]
    ) -> list[tuple[str, str, int, list[str]]]:
        return [(name, told[name], n, self.examples[name]) for name, n in sorted(found.items())]


def _figures(amounts: Amounts) -> list[str]:
    return [f"{amount:,}" for _, amount in amounts]


def _kinds_told() -> dict[str, str]:
    return {kind: str(label) for kind, label in Matter.Kind.choices}
