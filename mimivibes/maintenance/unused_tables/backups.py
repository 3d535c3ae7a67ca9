"""Back up unused tables, and prove each backup by restoring it and comparing what is in it."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg
from django.utils import timezone

from mimivibes.maintenance.postgres.address import Address
from mimivibes.maintenance.postgres.content import Content, content, snapshot
from mimivibes.maintenance.postgres.dumps import finish
from mimivibes.maintenance.postgres.place import Place
from mimivibes.maintenance.postgres.tables import Table, quoted
from mimivibes.maintenance.postgres.tools import ToolFailed
from mimivibes.maintenance.unused_tables import scripts
from mimivibes.maintenance.unused_tables.evidence import SEQUENCES
from mimivibes.maintenance.unused_tables.finding import Refused
from mimivibes.maintenance.unused_tables.folders import DUMP, SURROUNDINGS, name_of, write_sums
from mimivibes.models import UnusedTableBackup

logger = logging.getLogger(__name__)

# References to tables that are not in the dump: the rows are compared without them.
FOREIGN_KEY = re.compile(r"^\d+; \d+ \d+ FK CONSTRAINT ")
PARTITIONS = """
SELECT nspname, relname FROM pg_partition_tree(%(oid)s::oid) AS part
JOIN pg_class ON pg_class.oid = part.relid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE part.relid <> %(oid)s::oid ORDER BY level, nspname, relname
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A dump that is not proved yet, and what it must contain."""

    table: Table
    folder: Path
    content: Content


def back_up(
    tables: Sequence[Table], *, place: Place, runner: str, now: datetime
) -> Iterator[UnusedTableBackup]:
    """Dump the tables at one moment, prove each dump, and give its record.

    A dump is restored into a scratch database and must have the rows and the hash that the table
    had at that moment. Raises `Refused` if it has not; `ToolFailed`; `MayNotCreateDatabases`.
    """
    with ExitStack() as stack:
        folders = [stack.enter_context(place.folder(name_of(table, now))) for table in tables]
        with snapshot(place.source) as (connection, moment):
            taken = [
                _take(table, folder, connection, moment, place)
                for table, folder in zip(tables, folders, strict=True)
            ]
        for one in taken:
            _prove(one, place)
            yield _record(one, place, runner=runner, now=now)


def _take(
    table: Table, folder: Path, connection: psycopg.Connection[Any], moment: str, place: Place
) -> Taken:
    parts = _parts(connection, PARTITIONS, table)
    sequences = _parts(connection, SEQUENCES, table)
    in_table = [f"--table={name}" for name in (table.quoted, *parts)]
    around = [f"--exclude-table={name}" for name in (table.quoted, *parts, *sequences)]
    shared = ("--format=custom", f"--snapshot={moment}")
    place.dump(*shared, *in_table, f"--file={folder / DUMP}")
    place.dump(
        *(*shared, "--schema-only", "--section=pre-data", *around),
        f"--file={folder / SURROUNDINGS}",
    )
    return Taken(table, folder, content(connection, table.schema, table.name))


def _prove(taken: Taken, place: Place) -> None:
    """Restore the dump and compare. Raises `Refused` with what differs, or what cannot be made."""
    dump, label = taken.folder / DUMP, place.scratch.marker
    listed = place.tools.run("pg_restore", place.source, "--list", str(dump), label=label)
    wanted = [line for line in listed.splitlines() if not FOREIGN_KEY.match(line)]
    with place.scratch.database() as copy, NamedTemporaryFile("w", suffix=".list") as contents:
        contents.write("\n".join(wanted))
        contents.flush()
        missing = _make_surroundings(taken, copy, place)
        try:
            place.restore_a_copy(
                *(copy, "--exit-on-error", "--single-transaction"),
                *(f"--use-list={contents.name}", str(dump)),
            )
        except ToolFailed as error:
            raise Refused(
                f"The backup of {taken.table.quoted} cannot be restored. {error}\n{missing}"
            ) from error
        with copy.connect() as connection:
            found = content(connection, taken.table.schema, taken.table.name)
    if found != taken.content:
        raise Refused(
            f"The backup of {taken.table.quoted} is not the table: {found} instead of"
            f" {taken.content}."
        )


def _make_surroundings(taken: Taken, copy: Address, place: Place) -> str:
    """Make the types and functions that the table may need; say what could not be made.

    That is no fault as long as the table can be restored without.
    """
    try:
        place.restore_a_copy(copy, str(taken.folder / SURROUNDINGS))
    except ToolFailed as error:
        logger.warning("Around %s: %s", taken.table.quoted, error)
        return f"Before that: {error}"
    return ""


def _record(taken: Taken, place: Place, *, runner: str, now: datetime) -> UnusedTableBackup:
    with place.source.connect() as connection:
        server_version = connection.info.parameter_status("server_version") or ""
    sum_of_dump = write_sums(taken.folder)
    scripts.write_restore(taken.folder, taken.table)
    folder = finish(taken.folder, name_of(taken.table, now))
    return UnusedTableBackup.objects.create(
        schema=taken.table.schema,
        name=taken.table.name,
        oid=taken.table.oid,
        folder=str(folder),
        checksum=sum_of_dump,
        size=(folder / DUMP).stat().st_size,
        rows=taken.content.rows,
        content_hash=taken.content.digest,
        server_version=server_version,
        runner=runner,
        verified_at=timezone.now(),
    )


def _parts(connection: psycopg.Connection[Any], query: str, table: Table) -> list[str]:
    return [quoted(*row) for row in connection.execute(query, {"oid": table.oid}).fetchall()]
