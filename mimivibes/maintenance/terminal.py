"""How far a command is, for whoever watches on a terminal; a pipe or `--json` sees nothing of it.

It goes to the error stream, so that what the command prints stays what it prints.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from mimivibes.maintenance.jobs import Progress, nobody


@contextmanager
def progress_on_terminal(*, as_json: bool) -> Iterator[Progress]:
    """Give whom to tell: a line for each thing done, with its figures and the time taken."""
    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        yield nobody
        return
    with Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:,.0f}{task.fields[of]}"),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        yield _lines(bars)


def _lines(bars: Bars) -> Progress:
    tasks: dict[str, Any] = {}

    def advance(name: str, done: int, *, total: int | None = None, unit: str = "rows") -> None:
        if name not in tasks:
            of = f" {unit}" if total is None else f" of {total:,} {unit}"
            tasks[name] = bars.add_task(name.replace("_", " "), total=total, of=of)
        bars.advance(tasks[name], done)

    return advance
