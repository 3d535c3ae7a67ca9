"""Bring tables back: out of quarantine by their name, or from the backup when they were dropped."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.postgres.content import Content, content
from mimivibes.maintenance.postgres.tools import ToolFailed, find_tools
from mimivibes.maintenance.unused_tables import scripts
from mimivibes.maintenance.unused_tables.finding import (
    Refused,
    answers_to,
    database,
    every_table,
    quoted,
)
from mimivibes.maintenance.unused_tables.folders import DUMP, folder_of
from mimivibes.maintenance.unused_tables.quarantine import Done, bring_back
from mimivibes.models import UnusedTableBackup

LABEL = "mimivibes_restore"


def find_backups(wanted: Sequence[str]) -> list[UnusedTableBackup]:
    """Return the backup to restore each of these tables by. Raises `Refused` with why not."""
    return [_find(name) for name in wanted]


def restore(record: UnusedTableBackup, *, directory: Path | None, now: datetime) -> Done:
    """Bring the table back, and say how. Raises `Refused`."""
    if record.quarantined_at and not record.dropped_at:
        return bring_back(record, directory=directory, now=now)
    return _from_the_dump(record, directory=directory, now=now)


def _from_the_dump(record: UnusedTableBackup, *, directory: Path | None, now: datetime) -> Done:
    """Restore what was dropped; a run that was killed before it said so is taken at its result."""
    undo = None
    if not _is_there(record):
        folder = folder_of(record, directory)
        undo = scripts.write_undo_restore(folder, record, was_dropped=True)
        address = direct_address()
        with address.connect() as connection:
            tools = find_tools(connection.info.server_version)
        try:
            tools.restore(
                *(address, "--exit-on-error", "--single-transaction", str(folder / DUMP)),
                label=LABEL,
            )
        except ToolFailed as error:
            raise Refused(f"It could not be restored, and nothing was changed. {error}") from error
    if content(database(), record.schema, record.name) != Content(record.rows, record.content_hash):
        raise Refused(
            f"There is a table {quoted(record.schema, record.name)}, with other content than the"
            " backup. Rename that one first."
        )
    record.restored_at = now
    record.save(update_fields=["restored_at"])
    return Done("restored from the backup" if undo else "was back already", undo)


def _find(name: str) -> UnusedTableBackup:
    known = [
        record
        for record in UnusedTableBackup.objects.order_by("-verified_at")
        if answers_to(name, schema=record.schema, table=record.name)
    ]
    if not known:
        raise Refused(f"There is no backup of a table {name}.")
    if len({(record.schema, record.name) for record in known}) > 1:
        spellings = ", ".join(sorted({quoted(record.schema, record.name) for record in known}))
        raise Refused(f"{name} may be any of {spellings}. Name one of them as printed here.")
    gone = [record for record in known if record.quarantined_at and not record.restored_at]
    away = [record for record in gone if not record.dropped_at]
    if away or gone:
        return (away or gone)[0]
    if _is_there(known[0]):
        raise Refused(f"{quoted(known[0].schema, known[0].name)} is where it belongs.")
    return known[0]


def _is_there(record: UnusedTableBackup) -> bool:
    return (record.schema, record.name) in {(t.schema, t.name) for t in every_table()}
