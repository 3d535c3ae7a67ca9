import sys
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from mimivibes.maintenance.command import RecordedCommand, add_days_option
from mimivibes.maintenance.jobs import Job
from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.postgres.place import FAILURES, prepare
from mimivibes.maintenance.postgres.tables import quoted
from mimivibes.maintenance.unused_tables import (
    backups,
    evidence,
    quarantine,
    restoring,
    scripts,
    wording,
)
from mimivibes.maintenance.unused_tables.finding import (
    Refused,
    find,
    in_quarantine,
    unused_tables,
)
from mimivibes.maintenance.unused_tables.folders import PURPOSE
from mimivibes.models import CommandRun, UnusedTableBackup

QUARANTINE_DAYS = 30
STEPS = {
    "report": "name the tables, with size, last use, and what refers to them",
    "backup": "dump tables, restore each dump into a scratch database, and compare",
    "quarantine": "rename tables that have a backup, so that whoever needs one is heard of",
    "restore": "bring tables back, out of quarantine or out of the backup",
    "drop": "drop what has been in quarantine long enough; never what others depend on",
}
EXAMPLES = {
    "report": "report --count",
    "backup": "backup User referral_codes",
    "quarantine": "quarantine User referral_codes --apply",
    "restore": "restore User",
    "drop": "drop --days 30 --apply",
}
Told = dict[str, Any]
"""What the report says of one table."""
Deed = tuple[str, Callable[[], Told]]
"""A table as it was named, and what to do with it. Raises `Refused`."""
AT_ONCE = frozenset({"backup", "restore"})
"""Steps that lose nothing, and so are done without --apply."""


class Command(RecordedCommand):
    help = (
        "Find tables that no installed model, many-to-many or migration owns, and part with them in"
        " steps, each of which can be taken back: report, backup, quarantine, drop, and restore"
        " from any of them. `unused_tables STEP --help` explains each."
    )
    example = (
        "manage.py unused_tables report\n"
        "  manage.py unused_tables backup User referral_codes\n"
        "  manage.py unused_tables quarantine User referral_codes --apply\n"
        "  manage.py unused_tables drop --days 30 --apply"
    )
    refusals = (Refused, *FAILURES)

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
        for step, does in STEPS.items():
            step_parser = steps.add_parser(
                step,
                help=does,
                description=f"{does[0].upper()}{does[1:]}.",
                epilog=f"example:\n  manage.py unused_tables {EXAMPLES[step]}",
                formatter_class=RawDescriptionHelpFormatter,
            )
            self._add_step(step_parser, step)

    def _add_step(self, parser: ArgumentParser, step: str) -> None:
        if step == "report":
            parser.add_argument(
                "--count", action="store_true", help="count the rows, which reads every table"
            )
            self.add_json_option(parser)
            return
        _add_tables_option(parser, may_be_none=step == "drop")
        _add_directory_option(parser, is_for_new=step == "backup")
        if step == "drop":
            add_days_option(
                parser,
                "--days",
                default=QUARANTINE_DAYS,
                help_text="in quarantine for so long at least",
            )
        super().add_arguments(parser)
        if step in AT_ONCE:
            _explain(parser, "apply", SUPPRESS, default=True)
        _explain(parser, "batch_size", "of no effect: each table is a transaction of its own")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["step"] == "report":
            self._report(options)
            return
        self._has_refused = False
        super().handle(*args, **options)
        if self._has_refused:
            sys.exit(1)

    def survey(self, options: dict[str, Any], *, run: CommandRun, now: datetime) -> None:
        run.report["step"] = options["step"]
        where = options["directory"]
        if options["step"] == "quarantine":

            def would_rename(name: str) -> Told:
                if quarantine.is_away(name):
                    return {"done": "in quarantine already"}
                [table] = find([name])
                return {"backup": quarantine.may_be_quarantined(table, directory=where).folder}

            self._each(run, _by_name(would_rename, options["tables"]))
            return
        age = timedelta(days=options["days"])

        def would_drop(record: UnusedTableBackup) -> Told:
            folder = quarantine.may_be_dropped(record, age=age, directory=where, now=now)
            return {"backup": str(folder), "to_go_first": evidence.what_forbids_to_drop(record.oid)}

        self._each(run, self._of_those_away(would_drop, options, run, now))

    def work(self, options: dict[str, Any], *, job: Job) -> None:
        job.run.report["step"] = options["step"]
        if options["step"] == "backup":
            self._back_up(options, job)
            return
        where, now = options["directory"], job.now

        def rename(name: str) -> Told:
            if quarantine.is_away(name):
                return {"done": "in quarantine already"}
            [table] = find([name])
            return _told(quarantine.quarantine(table, directory=where, now=now))

        def restore(name: str) -> Told:
            return _told(restoring.restore(name, directory=where, now=now))

        def drop(record: UnusedTableBackup) -> Told:
            age = timedelta(days=options["days"])
            return _told(quarantine.drop(record, age=age, directory=where, now=now))

        if options["step"] == "drop":
            deeds = self._of_those_away(drop, options, job.run, now)
        else:
            do = {"quarantine": rename, "restore": restore}[options["step"]]
            deeds = _by_name(do, options["tables"])
        self._each(job.run, deeds, job)
        if self._has_refused and not job.run.outcome:
            job.run.outcome = CommandRun.Outcome.FAILED

    def _back_up(self, options: dict[str, Any], job: Job) -> None:
        job.run.report["tables"] = []
        tables = find(options["tables"])
        place = prepare(direct_address(), options["directory"], purpose=PURPOSE)
        job.progress("proved", 0, total=len(tables), unit="tables")
        for record in backups.back_up(tables, place=place, runner=job.run.runner, now=job.now):
            job.run.report["tables"].append(
                {
                    "table": quoted(record.schema, record.name),
                    "done": "backed up, and the backup is proved",
                    "folder": record.folder,
                    "rows": record.rows,
                    "content_hash": record.content_hash,
                    "checksum": record.checksum,
                    "size": record.size,
                    "undo": str(Path(record.folder, scripts.RESTORE)),
                }
            )
            job.progress("proved", 1)
            if len(job.run.report["tables"]) < len(tables) and not job.may_go_on():
                return

    def _of_those_away(
        self,
        do: Callable[[UnusedTableBackup], Told],
        options: dict[str, Any],
        run: CommandRun,
        now: datetime,
    ) -> list[Deed]:
        """Return what is to be done with tables in quarantine: those named, or all that are due."""
        if options["tables"]:
            return _by_name(lambda name: _on_what_is_away(name, do), options["tables"])
        since = now - timedelta(days=options["days"])
        away = [(quoted(record.schema, record.name), record) for record in in_quarantine()]
        run.report["not_due"] = [
            f"{name}, since {record.quarantined_at:%Y-%m-%d %H:%M %Z}"
            for name, record in away
            if record.quarantined_at and record.quarantined_at > since
        ]
        return [
            (name, partial(do, record))
            for name, record in away
            if record.quarantined_at and record.quarantined_at <= since
        ]

    def _each(self, run: CommandRun, deeds: Sequence[Deed], job: Job | None = None) -> None:
        """Do it for each table, and put into the report what came of it.

        What is refused is tried again after the others, for a table may have stood in its way.
        """
        told: list[Told] = [{"table": name} for name, _ in deeds]
        run.report["tables"] = told
        left = [(do, entry) for (_, do), entry in zip(deeds, told, strict=True)]
        while left:
            refused = []
            for do, entry in left:
                if job and not job.may_go_on():
                    return
                entry.pop("refused", None)
                try:
                    entry.update(do())
                except Refused as error:
                    entry["refused"] = str(error)
                    refused.append((do, entry))
            if not job or len(refused) == len(left):
                break
            left = refused
        self._has_refused = any("refused" in entry for entry in told)

    def tell(self, run: CommandRun) -> Iterator[str]:
        step = run.report["step"]
        if not run.report["tables"]:
            yield f"There is nothing to {step}."
        for entry in run.report["tables"]:
            yield f"{entry['table']}: {_outcome(entry, step, is_dry=run.is_dry)}"
            for fact, value in entry.items():
                if fact not in {"table", "refused", "done"} and value not in ("", []):
                    told = ", ".join(value) if isinstance(value, list) else value
                    yield f"  {fact.replace('_', ' ')}: {told}"
        for waiting in run.report.get("not_due", []):
            yield f"Not due yet: {waiting}."

    def has_more(self, run: CommandRun) -> bool:
        return any("refused" not in entry and "done" not in entry for entry in run.report["tables"])

    def _report(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        found = evidence.gather(unused_tables(), count=options["count"])
        records = list(UnusedTableBackup.objects.order_by("-verified_at"))
        since = evidence.statistics_since()
        if options["json"]:
            self.report(wording.as_facts(found, records, since=since, now=now), as_json=True)
            return
        for line in wording.in_words(found, records, since=since, now=now):
            self.stdout.write(line)


def _add_tables_option(parser: ArgumentParser, *, may_be_none: bool) -> None:
    parser.add_argument(
        "tables",
        metavar="TABLE",
        nargs="*" if may_be_none else "+",
        help="as it is called (User), or schema.name, or quoted for SQL; as the report has it"
        + (". None: all that are in quarantine" if may_be_none else ""),
    )


def _add_directory_option(parser: ArgumentParser, *, is_for_new: bool) -> None:
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(settings.BACKUP_DIRECTORY) if is_for_new else None,
        help="where backups go (default: BACKUP_DIRECTORY)"
        if is_for_new
        else "where the folder of the backup lies now, if it was moved",
    )


def _by_name(do: Callable[[str], Told], names: Sequence[str]) -> list[Deed]:
    return [(name, partial(do, name)) for name in dict.fromkeys(names)]


def _on_what_is_away(name: str, do: Callable[[UnusedTableBackup], Told]) -> Told:
    record = quarantine.last_away(name)
    return {"done": "dropped already"} if record.dropped_at else do(record)


def _told(done: quarantine.Done) -> Told:
    return {"done": done.how, "undo": str(done.undo or "")}


def _outcome(entry: Told, step: str, *, is_dry: bool) -> str:
    if "refused" in entry:
        return f"refused. {entry['refused']}"
    if is_dry and "done" not in entry:
        return {"quarantine": "would be renamed", "drop": "would be dropped"}[step]
    return str(entry.get("done", "not reached"))


def _explain(parser: ArgumentParser, option: str, text: str, **defaults: Any) -> None:
    for action in parser._actions:
        if action.dest == option:
            action.help = text
    if defaults:
        parser.set_defaults(**{option: defaults["default"]})
