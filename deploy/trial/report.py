"""What the trial tells: a line for each step while it runs, at the end figures and words."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


class Report:
    """Figures by name, faults in words; both go to the terminal and into a file."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.began = time.monotonic()
        self.figures: dict[str, Any] = {}
        self.proved: list[str] = []
        self.faults: list[str] = []

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, then how long it took."""
        began = time.monotonic()
        with self.console.status(what):
            yield
        self.console.print(f"[dim]{began - self.began:6.1f} s[/]  {what}", highlight=False)

    def figure(self, name: str, value: Any) -> None:
        self.figures[name] = round(value, 2) if isinstance(value, float) else value

    def prove(self, sentence: str, faults: list[str]) -> None:
        """Note what was found out: nothing wrong, or these faults."""
        if faults:
            self.faults += [f"{sentence}: {fault}" for fault in faults]
        else:
            self.proved.append(sentence)
        mark = "[red]no [/]" if faults else "[green]yes[/]"
        self.console.print(f"          {mark}  {sentence}", highlight=False)

    def finish(self, path: Path) -> None:
        """Print figures and faults; write all to `path`."""
        self.figure("load average of the machine", os.getloadavg()[0])
        self.figure("seconds in all", time.monotonic() - self.began)
        table = Table("figure", "value", title="Measured")
        for name, value in self.figures.items():
            table.add_row(name, str(value))
        self.console.print(table)
        for fault in self.faults[:20]:
            self.console.print(f"[red]FAULT[/] {fault}", highlight=False, markup=True)
        self.console.print(
            f"{len(self.proved)} things proved, {len(self.faults)} faults. Written to {path}."
        )
        text = {"proved": self.proved, "faults": self.faults, "figures": self.figures}
        path.write_text(json.dumps(text, indent=2))
