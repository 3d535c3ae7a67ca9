"""What maintenance commands have in common: options, a survey by default, progress, a report."""

import math
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import STOPPED_EARLY, ReportingCommand, number_between
from mimivibes.maintenance.cleaning import Chore, clean, survey
from mimivibes.maintenance.jobs import Job, Limits, Progress
from mimivibes.maintenance.runs import AlreadyRunning, LockLost, recorded_run
from mimivibes.maintenance.terminal import progress_on_terminal
from mimivibes.models import CommandRun

MOST_IN_A_BATCH = 20_000
BATCH_SIZE = 2_000
CLEANING_BATCH_SIZE = 10_000


class RecordedCommand(ReportingCommand):
    """A command that tells what it would do, and does it with `--apply`: one run at a time.

    `survey` and `work` fill `run.report`, which is what the command prints and the admin shows.
    """

    batch_size = BATCH_SIZE
    refusals: tuple[type[Exception], ...] = ()
    """Errors that tell the operator what is wrong; any other shows as it is."""
    progress: Progress
    """How far it is, for whoever watches on a terminal; of a long survey too."""

    def survey(self, options: dict[str, Any], *, run: CommandRun, now: datetime) -> None:
        """Put into the report what would be done, and change nothing."""
        raise NotImplementedError

    def work(self, options: dict[str, Any], *, job: Job) -> None:
        """Do it, in batches, as long as `job.may_go_on()`."""
        raise NotImplementedError

    def tell(self, run: CommandRun) -> Iterator[str]:
        """Say the report in words, line by line."""
        for name, value in run.report.items():
            yield f"{name.replace('_', ' ')}: {value}"

    @property
    def _refusals(self) -> tuple[type[Exception], ...]:
        return (AlreadyRunning, LockLost, *self.refusals)

    @property
    def name(self) -> str:
        """What the run is called on record; two runs of one name go one at a time."""
        return type(self).__module__.rpartition(".")[2]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it; without, it is only told")
        parser.add_argument(
            "--batch-size",
            type=number_between(1, MOST_IN_A_BATCH),
            default=self.batch_size,
            metavar="N",
            help=f"most rows in a transaction, 1 to {MOST_IN_A_BATCH} (default {self.batch_size})",
        )
        parser.add_argument(
            "--max-seconds",
            type=number_between(1, 7 * 24 * 3600),
            metavar="S",
            help="stop after so many seconds, with exit status 75; the next run goes on",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        began, now = time.monotonic(), timezone.now()
        until = began + (options["max_seconds"] or math.inf)
        try:
            with (
                recorded_run(self.name, is_dry=not options["apply"], now=now) as (run, turn),
                progress_on_terminal(as_json=options["json"]) as self.progress,
            ):
                if options["apply"]:
                    limits = Limits(options["batch_size"], until)
                    self.work(options, job=Job(run, turn, limits, now, self.progress))
                else:
                    self.survey(options, run=run, now=now)
        except self._refusals as error:
            raise CommandError(str(error)) from error
        self._tell(run, options, seconds=time.monotonic() - began)
        if run.outcome == CommandRun.Outcome.STOPPED:
            sys.exit(STOPPED_EARLY)

    def _tell(self, run: CommandRun, options: dict[str, Any], *, seconds: float) -> None:
        is_stopped = run.outcome == CommandRun.Outcome.STOPPED
        if options["json"]:
            facts = {
                "command": self.name,
                "applied": options["apply"],
                **self.facts(run),
                "stopped_early": is_stopped,
                "seconds": round(seconds, 3),
            }
            self.report(facts, as_json=True)
            return
        for line in self.tell(run):
            self.stdout.write(line)
        if is_stopped:
            self.stdout.write("Stopped early by --max-seconds; run it again to go on.")
        if not options["apply"]:
            self.stdout.write(
                f"Nothing was changed.{' Add --apply to do it.' * self.has_more(run)}"
            )

    def has_more(self, run: CommandRun) -> bool:
        """Tell whether, after a dry run, there is anything that `--apply` would do."""
        return True

    def facts(self, run: CommandRun) -> dict[str, Any]:
        """Return what `--json` prints of the report."""
        return dict(run.report)


class CleaningCommand(RecordedCommand):
    """A clean-up: removes, in batches, what each of its chores finds.

    A batch takes fewer rows than it may if its locks would be long otherwise.
    """

    batch_size = CLEANING_BATCH_SIZE

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        """Return what this command cleans."""
        raise NotImplementedError

    def survey(self, options: dict[str, Any], *, run: CommandRun, now: datetime) -> None:
        self._chores = self.chores(options)
        run.report.update(survey(self._chores, now=now))

    def work(self, options: dict[str, Any], *, job: Job) -> None:
        self._chores = self.chores(options)
        clean(self._chores, job=job)

    def tell(self, run: CommandRun) -> Iterator[str]:
        verb = "would be cleaned" if run.is_dry else "cleaned"
        rules = self._rules
        for name, rows in run.report.items():
            yield f"{name.replace('_', ' ')}: {rows:,} {verb} ({rules[name]})"

    def has_more(self, run: CommandRun) -> bool:
        return any(run.report.values())

    def facts(self, run: CommandRun) -> dict[str, Any]:
        return {"rows": run.report, "rules": self._rules}

    @property
    def _rules(self) -> dict[str, str]:
        return {chore.name: chore.what for chore in self._chores}


def add_days_option(parser: ArgumentParser, name: str, *, default: int, help_text: str) -> None:
    parser.add_argument(
        name,
        type=number_between(0, 3650),
        default=default,
        metavar="N",
        help=f"{help_text} (default {default})",
    )


def days(options: dict[str, Any], name: str) -> timedelta:
    return timedelta(days=options[name])
