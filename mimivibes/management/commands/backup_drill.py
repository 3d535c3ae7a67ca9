import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand, number_between, size_in_words
from mimivibes.maintenance.drill import Result, drill, plan
from mimivibes.maintenance.postgres.address import Address, BadAddress, direct_address
from mimivibes.maintenance.postgres.place import FAILURES
from mimivibes.maintenance.runs import AlreadyRunning, LockLost, recorded_run
from mimivibes.maintenance.terminal import progress_on_terminal
from mimivibes.models import CommandRun

NAME = "backup_drill"
REFUSALS: tuple[type[Exception], ...] = (AlreadyRunning, LockLost, *FAILURES)


class Command(ReportingCommand):
    help = (
        "Prove that a backup can be restored: dump the database, restore the dump into a scratch"
        " database, compare every table's rows and the ledger's sums, check the migrations, run"
        " verify_ledger there, and say how long it took. Nothing of it stays. Exit status 1 names"
        " what is wrong."
    )
    example = "manage.py backup_drill --json\n  manage.py backup_drill --keep /srv/backups --jobs 4"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--into",
            type=_server,
            metavar="URL",
            help="make the scratch database on this server instead of the same one:"
            " postgres://user@host:5432/postgres. A password comes by PGPASSWORD or ~/.pgpass",
        )
        parser.add_argument(
            "--keep", type=Path, metavar="DIR", help="keep the dump there; else it is removed"
        )
        parser.add_argument(
            "--jobs",
            type=number_between(1, 64),
            default=2,
            metavar="N",
            help="tables dumped and restored at once (default 2)",
        )
        parser.add_argument(
            "--contents",
            action="store_true",
            help="compare every table's content by a hash too, not its number of rows alone",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            with (
                recorded_run(NAME, is_dry=False, now=now) as (run, _turn),
                progress_on_terminal(as_json=options["json"]) as progress,
            ):
                planned = plan(
                    source=direct_address(),
                    into=options["into"],
                    keep=options["keep"],
                    jobs=options["jobs"],
                    with_contents=options["contents"],
                )
                result = drill(planned, now=now, progress=progress)
                run.report = result.facts()
                run.outcome = CommandRun.Outcome.FAILED if result.faults else ""
        except REFUSALS as error:
            raise CommandError(str(error)) from error
        self._tell(result, as_json=options["json"])
        if result.faults:
            sys.exit(1)

    def _tell(self, result: Result, *, as_json: bool) -> None:
        if as_json:
            self.report(result.facts(), as_json=True)
            return
        took = result.seconds
        for line in (
            f"Dumped PostgreSQL {result.server} by pg_dump {result.tools}:",
            f"  {result.tables} tables, {result.rows:,} rows in {size_in_words(result.dump_bytes)},"
            f" {took['dump']:.1f} s",
            f"Restored in {took['restore']:.1f} s, compared and proved in {took['proof']:.1f} s:"
            f" ready {result.ready_after_seconds:.0f} s after a loss, once the dump is at hand.",
            *(f"FAULT {fault}" for fault in result.faults),
            *([f"The dump is kept in {result.kept_in}."] if result.kept_in else []),
            "The backup cannot be relied on." if result.faults else "The backup is good.",
        ):
            self.stdout.write(line)


def _server(url: str) -> Address:
    try:
        address = Address.read(url)
    except BadAddress as error:
        raise ArgumentTypeError(str(error)) from error
    if "password" in address.parameters:
        raise ArgumentTypeError("everybody here can read it: put its password into PGPASSWORD")
    if "dbname" not in address.parameters:
        raise ArgumentTypeError("name a database to connect to, such as /postgres")
    return address
