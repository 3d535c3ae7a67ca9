"""Back the whole database up, restore it elsewhere, and prove what came out of it.

The dump is of one moment. What was in the tables and on the ledger at that moment is read beside
it, so that the copy can be held against it though people go on using the original.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from mimivibes.maintenance.jobs import Progress
from mimivibes.maintenance.postgres.address import Address
from mimivibes.maintenance.postgres.content import content, snapshot
from mimivibes.maintenance.postgres.dumps import finish, remove_unfinished
from mimivibes.maintenance.postgres.place import Place, prepare
from mimivibes.maintenance.postgres.tables import count_rows, every_table
from mimivibes.processes import manage
from rewards.models import Balance, Entry

LEDGER = {
    "entries": (Entry._meta.db_table, "count(*)"),
    "moved": (Entry._meta.db_table, "sum(amount) FILTER (WHERE amount > 0)"),
    "balances": (Balance._meta.db_table, "sum(amount)"),
}
FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a drill is held, and how; the dump stays in the place's directory if it is kept."""

    place: Place
    is_kept: bool
    jobs: int
    with_contents: bool


@dataclass(slots=True)
class Result:
    """How a drill came out; the seconds say how long one would be away after a loss."""

    server: str
    tools: str
    tables: int = 0
    rows: int = 0
    dump_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    ready_after_seconds: float = 0.0
    kept_in: str = ""
    faults: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        return {"proven": not self.faults, **asdict(self)}


def plan(
    *, source: Address, into: Address | None, keep: Path | None, jobs: int, with_contents: bool
) -> Plan:
    """Find the tools, and remove what killed drills left.

    The copy is made `into` another server, or on the source's own. Raises `NoTools`,
    `DirectoryUnusable`.
    """
    usual = Path(settings.BACKUP_DIRECTORY)
    place = prepare(source, keep or usual, purpose="drill", server=into)
    remove_unfinished(usual.absolute(), marker=place.scratch.marker)
    return Plan(place, keep is not None, jobs, with_contents)


def drill(plan: Plan, *, now: datetime, progress: Progress) -> Result:
    """Dump, restore, compare and prove; the copy goes whatever happens, the dump unless kept.

    What is wrong with the copy is in the result. Raises `ToolFailed` if there is no dump or no copy
    to look at, `MayNotCreateDatabases`.
    """
    name = f"drill-{now:%Y%m%dT%H%M%S}"
    with plan.place.folder(name) as folder:
        result, original = _dump(plan, folder / "database.dump", progress)
        with plan.place.scratch.database() as copy:
            with _timed(result, "restore", progress):
                _restore(plan, folder / "database.dump", copy)
            with _timed(result, "proof", progress):
                result.faults += _differences(original, _figures_of(plan, copy, progress))
                result.faults += _complaints(copy)
        seconds = result.seconds
        result.ready_after_seconds = round(seconds["restore"] + seconds["proof"], 3)
        if plan.is_kept:
            result.kept_in = str(finish(folder, name))
    return result


def _dump(plan: Plan, dump: Path, progress: Progress) -> tuple[Result, dict[str, str]]:
    tools = plan.place.tools
    with snapshot(plan.place.source) as (connection, moment):
        server = connection.info.parameter_status("server_version") or ""
        result = Result(server=server, tools=f"{tools.version} in {tools.folder}")
        with _timed(result, "dump", progress):
            plan.place.dump(
                *("--format=directory", f"--jobs={plan.jobs}", f"--snapshot={moment}"),
                f"--file={dump}",
            )
        told = partial(progress, "original")
        original = _figures(connection, with_contents=plan.with_contents, progress=told)
    tables = [figure for name, figure in original.items() if name.startswith("table ")]
    result.tables, result.rows = len(tables), sum(int(rows.split()[0]) for rows in tables)
    result.dump_bytes = sum(file.stat().st_size for file in dump.iterdir())
    return result, original


def _restore(plan: Plan, dump: Path, copy: Address) -> None:
    plan.place.restore_a_copy(copy, "--exit-on-error", f"--jobs={plan.jobs}", str(dump))


def _figures_of(plan: Plan, copy: Address, progress: Progress) -> dict[str, str]:
    told = partial(progress, "copy")
    with copy.connect() as connection:
        return _figures(connection, with_contents=plan.with_contents, progress=told)


def _figures(
    connection: psycopg.Connection[Any], *, with_contents: bool, progress: Callable[..., None]
) -> dict[str, str]:
    """Read what both databases must agree on: rows of every table, sums of the ledger."""
    found, tables = {}, every_table(connection)
    progress(0, total=len(tables), unit="tables")
    for table in tables:
        if with_contents:
            read = content(connection, table.schema, table.name)
            figure = f"{read.rows} rows with the hash {read.digest}"
        else:
            figure = f"{count_rows(connection, table)} rows"
        found[f"table {table.quoted}"] = figure
        progress(1)
    for name, (table_name, figures) in LEDGER.items():
        sums = connection.execute(
            f"SELECT currency, ({figures})::text FROM {table_name} GROUP BY currency"
        )
        found |= {f"ledger {name} {currency}": str(sum_) for currency, sum_ in sums.fetchall()}
    return found


def _differences(original: dict[str, str], copy: dict[str, str]) -> list[str]:
    return [
        f"{name}: {copy.get(name, 'nothing')} in the copy, {original.get(name, 'nothing')} in the"
        " original"
        for name in sorted({*original, *copy})
        if copy.get(name) != original.get(name)
    ]


def _complaints(copy: Address) -> Iterator[str]:
    """Let the code that is running now look at the copy: does it fit, and is the ledger right?"""
    migrations = _manage(copy, "migrate", "--check")
    if migrations.returncode != 0:
        yield f"migrations are missing in the copy: {_last_words(migrations)}"
    ledger = _manage(copy, "verify_ledger", "--json")
    try:
        faults = json.loads(ledger.stdout)["faults"]
    except (ValueError, KeyError):
        yield f"verify_ledger could not prove the copy: {_last_words(ledger)}"
        return
    shown = [f"{fault['code']}: {fault['subject']}" for fault in faults[:FAULTS_SHOWN]]
    if faults:
        yield f"verify_ledger found {len(faults)} faults in the copy: {'; '.join(shown)}"


def _manage(copy: Address, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours on the copy, in a process that knows no other database."""
    ours = {name: "" for name in os.environ if name.startswith("DATABASE_")}
    return subprocess.run(  # noqa: S603
        manage(arguments),
        env={**os.environ, **ours, "DATABASE_URL": copy.url()},
        capture_output=True,
        text=True,
        check=False,
    )


def _last_words(done: "subprocess.CompletedProcess[str]") -> str:
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])


@contextmanager
def _timed(result: Result, what: str, progress: Progress) -> Iterator[None]:
    progress(what, 0, total=1, unit="done")
    began = time.monotonic()
    yield
    result.seconds[what] = round(time.monotonic() - began, 3)
    progress(what, 1)
