"""What the clean-up commands have in common: options, a survey by default, progress, a report."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress as ProgressBars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from accounts.management.reporting import ReportingCommand
from mimivibes.maintenance.cleaning import Chore, Limits, clean, survey
from mimivibes.maintenance.runs import AlreadyRunning, LockLost, recorded_run
from mimivibes.models import CommandRun

STOPPED_EARLY = 75
MOST_IN_A_BATCH = 20_000
BATCH_SIZE = 2_000


class CleaningCommand(ReportingCommand):
    """A clean-up: says what it would do, and does it with `--apply`."""

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        """Return what this command cleans."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it; without, it is only told")
        parser.add_argument(
            "--batch-size",
            type=_between(1, MOST_IN_A_BATCH),
            default=BATCH_SIZE,
            metavar="N",
            help=f"rows in one transaction, 1 to {MOST_IN_A_BATCH} (default {BATCH_SIZE})",
        )
        parser.add_argument(
            "--max-seconds",
            type=_between(1, 7 * 24 * 3600),
            metavar="S",
            help="stop after so many seconds, with exit status 75; the next run goes on",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        began, now = time.monotonic(), timezone.now()
        try:
            with recorded_run(self.name, is_dry=not options["apply"], now=now) as (run, turn):
                if options["apply"]:
                    limits = Limits(options["batch_size"], began + (options["max_seconds"] or 1e9))
                    with self._progress(options) as progress:
                        clean(
                            self.chores(options),
                            run=run,
                            turn=turn,
                            limits=limits,
                            now=now,
                            progress=progress or (lambda name, done: None),
                        )
                else:
                    run.report.update(survey(self.chores(options), now=now))
        except (AlreadyRunning, LockLost) as error:
            raise CommandError(str(error)) from error
        self._tell(run, options, seconds=time.monotonic() - began)
        if run.outcome == CommandRun.Outcome.STOPPED:
            sys.exit(STOPPED_EARLY)

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _progress(self, options: dict[str, Any]) -> Any:
        console = Console(stderr=True)
        shows = console.is_terminal and not options["json"]
        return _Bars(console) if shows else nullcontext()

    def _tell(self, run: CommandRun, options: dict[str, Any], *, seconds: float) -> None:
        facts = {
            "command": self.name,
            "applied": options["apply"],
            "rows": run.report,
            "stopped_early": run.outcome == CommandRun.Outcome.STOPPED,
            "seconds": round(seconds, 3),
        }
        if options["json"]:
            self.report(facts, as_json=True)
            return
        verb = "cleaned" if options["apply"] else "would be cleaned"
        for name, rows in run.report.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {rows:,} {verb}")
        if run.outcome == CommandRun.Outcome.STOPPED:
            self.stdout.write("Stopped early by --max-seconds; run it again to go on.")
        if not options["apply"]:
            self.stdout.write("Nothing was changed. Add --apply to do it.")


class _Bars:
    """Progress on a terminal: a line for each chore with the rows done and the time taken."""

    def __init__(self, console: Console) -> None:
        self._bars = ProgressBars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed:,.0f} rows"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Any:
        self._bars.start()
        return self._advance

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def _advance(self, name: str, done: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name.replace("_", " "), total=None)
        self._bars.advance(self._tasks[name], done)


def add_days_option(parser: ArgumentParser, name: str, *, default: int, help_text: str) -> None:
    parser.add_argument(
        name,
        type=_between(0, 3650),
        default=default,
        metavar="N",
        help=f"{help_text} (default {default})",
    )


def days(options: dict[str, Any], name: str) -> timedelta:
    return timedelta(days=options[name])


def _between(least: int, most: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"it must be {least} to {most}")
        return int(text)

    return number
