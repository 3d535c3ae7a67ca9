import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.management.reporting import number_between
from mimivibes.legacy.importing import Import
from mimivibes.legacy.report import Report
from mimivibes.legacy.source import Source, SourceUnusable, opened
from mimivibes.legacy.stages import InviterRewardUnknown, bring_everything, inviter_amounts
from mimivibes.maintenance.command import RecordedCommand
from mimivibes.maintenance.jobs import Job
from mimivibes.models import CommandRun
from rewards.amounts import Amounts


class Command(RecordedCommand):
    help = (
        "Bring over people, balances, codes, invitations and history of the system that this one"
        " replaces. The source is only read. Without --apply nothing is changed here either, and"
        " the report says what would be. It may be repeated: what is here already stays, what is"
        " new there comes over."
    )
    example = (
        "manage.py import_legacy --source postgresql://reader@old-host/app --report import.html"
    )
    batch_size = 1_000
    refusals = (SourceUnusable, InviterRewardUnknown)
    _report: Report

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--source",
            type=_address,
            required=True,
            metavar="URL",
            help="the replaced system's PostgreSQL, postgresql://user@host/database; leave the"
            " password to PGPASSWORD or ~/.pgpass, for others can read a command line",
        )
        parser.add_argument(
            "--report",
            type=_new_file,
            metavar="FILE",
            help="write the report there too, as HTML if the name ends in .html, else as text",
        )
        parser.add_argument(
            "--follow-balances",
            action="store_true",
            help="post by how much old balances have changed since they were brought over;"
            " without, such changes are listed for staff",
        )
        parser.add_argument(
            "--inviter-coins",
            type=number_between(0, 1_000_000),
            metavar="N",
            help="what an invitation that is still open pays its inviter (default: what the"
            " source's REFERRAL_INVITER says)",
        )

    def survey(self, options: dict[str, Any], *, run: CommandRun, now: datetime) -> None:
        self._go(options, run=run, now=now, may_go_on=lambda: True, progress=self.progress)

    def work(self, options: dict[str, Any], *, job: Job) -> None:
        self._go(options, run=job.run, now=job.now, may_go_on=job.may_go_on, progress=job.progress)

    def _go(
        self,
        options: dict[str, Any],
        *,
        run: CommandRun,
        now: datetime,
        may_go_on: Callable[[], bool],
        progress: Callable[[str, int], None],
    ) -> None:
        with opened(options["source"]) as source:
            self._report = Report(is_dry=run.is_dry)
            try:
                bring_everything(self._import(source, options, now, may_go_on, progress))
            finally:
                run.report.update(self._report.as_dict())
        if options["report"]:
            self._write_report(options["report"])

    def _write_report(self, path: Path) -> None:
        try:
            self._report.write(path)
        except OSError as error:
            raise CommandError(
                f"The work is done, but its report cannot be written to {path}: {error.strerror}."
                " It is on record, in the admin at Command runs."
            ) from error

    def _import(
        self,
        source: Source,
        options: dict[str, Any],
        now: datetime,
        may_go_on: Callable[[], bool],
        progress: Callable[[str, int], None],
    ) -> Import:
        return Import(
            source=source,
            report=self._report,
            now=now,
            page_size=options["batch_size"],
            may_go_on=may_go_on,
            progress=progress,
            inviter_amounts=inviter_amounts(source, coins=options["inviter_coins"])
            if options["apply"]
            else Amounts(),
            follow_balances=options["follow_balances"],
        )

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not self._report.is_sound:
            sys.exit(1)

    def tell(self, run: CommandRun) -> Iterator[str]:
        return self._report.lines()


def _address(text: str) -> str:
    if not text.startswith(("postgres://", "postgresql://")):
        raise ArgumentTypeError("it must be an address that begins with postgresql://")
    return text


def _new_file(text: str) -> Path:
    """Refuse what could not be written, before the work and not after it."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ArgumentTypeError("it must be a file in a directory that is there")
    return path
