"""Back the whole database up, restore it elsewhere, and prove what came out of it.

The dump is of one moment. What was in the tables and on the ledger at that moment is read beside
it, so that the copy can be held against it though people go on using the original.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from mimivibes.environment import BASE_DIR
from mimivibes.maintenance.postgres.address import Address
from mimivibes.maintenance.postgres.content import content, snapshot
from mimivibes.maintenance.postgres.dumps import finish, remove_unfinished, unfinished_folder
from mimivibes.maintenance.postgres.scratch import Scratch, scratch_of
from mimivibes.maintenance.postgres.tools import Tools, find_tools
from mimivibes.maintenance.unused_tables.finding import every_table
from rewards.models import Balance, Entry

# Roles and tablespaces are the server's: `pg_dumpall --globals-only` has them.
AS_A_COPY = (
    *("--exit-on-error", "--no-owner", "--no-privileges", "--no-tablespaces"),
    *("--no-publications", "--no-subscriptions", "--no-security-labels"),
)
LEDGER = {
    "entries": (Entry._meta.db_table, "count(*)"),
    "moved": (Entry._meta.db_table, "sum(amount) FILTER (WHERE amount > 0)"),
    "balances": (Balance._meta.db_table, "sum(amount)"),
}
FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill works with. `into` is the server of the copy; kept in `directory` if asked."""

    source: Address
    into: Address
    tools: Tools
    scratch: Scratch
    directory: Path
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
    """Find the tools, and remove what killed drills left. Raises `NoTools`."""
    directory = (keep or Path(settings.BACKUP_DIRECTORY)).absolute()
    scratch = scratch_of(source, purpose="drill", server=into)
    with source.connect() as connection:
        tools = find_tools(connection.info.server_version)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch.remove_leftovers()
    for place in {directory, Path(settings.BACKUP_DIRECTORY).absolute()}:
        remove_unfinished(place, marker=scratch.marker)
    return Plan(
        source, into or source, tools, scratch, directory, keep is not None, jobs, with_contents
    )


def drill(plan: Plan, *, now: datetime) -> Result:
    """Dump, restore, compare and prove; the copy goes whatever happens, the dump unless kept.

    What is wrong with the copy is in the result. Raises `ToolFailed` if there is no dump or no copy
    to look at, `MayNotCreateDatabases`.
    """
    name = f"drill-{now:%Y%m%dT%H%M%S}"
    with unfinished_folder(plan.directory, name, marker=plan.scratch.marker) as folder:
        result, original = _dump(plan, folder / "database.dump")
        with plan.scratch.database() as copy:
            with _timed(result, "restore"):
                _restore(plan, folder / "database.dump", copy)
            with _timed(result, "proof"):
                result.faults += _differences(original, _figures_of(plan, copy))
                result.faults += _complaints(copy)
        seconds = result.seconds
        result.ready_after_seconds = round(seconds["restore"] + seconds["proof"], 3)
        if plan.is_kept:
            result.kept_in = str(finish(folder, name))
    return result


def _dump(plan: Plan, dump: Path) -> tuple[Result, dict[str, str]]:
    with snapshot(plan.source) as (connection, moment):
        server = connection.info.parameter_status("server_version") or ""
        result = Result(server=server, tools=f"{plan.tools.version} in {plan.tools.folder}")
        with _timed(result, "dump"):
            plan.tools.dump(
                plan.source,
                *("--format=directory", f"--jobs={plan.jobs}", f"--snapshot={moment}"),
                f"--file={dump}",
                label=plan.scratch.marker,
            )
        original = _figures(connection, with_contents=plan.with_contents)
    tables = [figure for name, figure in original.items() if name.startswith("table ")]
    result.tables, result.rows = len(tables), sum(int(rows.split()[0]) for rows in tables)
    result.dump_bytes = sum(file.stat().st_size for file in dump.iterdir())
    return result, original


def _restore(plan: Plan, dump: Path, copy: Address) -> None:
    plan.tools.restore(
        copy, *AS_A_COPY, f"--jobs={plan.jobs}", str(dump), label=plan.scratch.marker
    )


def _figures_of(plan: Plan, copy: Address) -> dict[str, str]:
    with copy.connect() as connection:
        return _figures(connection, with_contents=plan.with_contents)


def _figures(connection: psycopg.Connection[Any], *, with_contents: bool) -> dict[str, str]:
    """Read what both databases must agree on: rows of every table, sums of the ledger."""
    found = {}
    for table in every_table(connection):
        if with_contents:
            read = content(connection, table.schema, table.name)
            figure = f"{read.rows} rows with the hash {read.digest}"
        else:
            figure = f"{_count(connection, table.schema, table.name)} rows"
        found[f"table {table.quoted}"] = figure
    for name, (table_name, figures) in LEDGER.items():
        sums = connection.execute(
            f"SELECT currency, ({figures})::text FROM {table_name} GROUP BY currency"
        )
        found |= {f"ledger {name} {currency}": str(sum_) for currency, sum_ in sums.fetchall()}
    return found


def _count(connection: psycopg.Connection[Any], schema: str, name: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
    [(rows,)] = connection.execute(query).fetchall()
    return int(rows)


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
        [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
        env={
            **os.environ,
            **ours,
            "DATABASE_URL": copy.url(),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _last_words(done: "subprocess.CompletedProcess[str]") -> str:
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])


@contextmanager
def _timed(result: Result, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    result.seconds[what] = round(time.monotonic() - began, 3)
