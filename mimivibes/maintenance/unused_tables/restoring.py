"""Bring tables back: out of quarantine by their name, or from the backup when they were dropped."""

from datetime import datetime
from pathlib import Path

from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.postgres.content import Content, content
from mimivibes.maintenance.postgres.scratch import end_sessions, scratch_of
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


def restore(name: str, *, directory: Path | None, now: datetime) -> Done:
    """Bring a table back, out of quarantine or out of its backup. Raises `Refused`."""
    record = _find(name)
    if _is_awaited(record) and not record.dropped_at:
        return bring_back(record, directory=directory, now=now)
    if not _is_awaited(record) and _is_there(record):
        return Done("is where it belongs", None)
    return _from_the_dump(record, directory=directory, now=now)


def _from_the_dump(record: UnusedTableBackup, *, directory: Path | None, now: datetime) -> Done:
    """Restore what was dropped; a run that was killed before it said so is taken at its result."""
    undo = None
    if not _is_there(record):
        folder = folder_of(record, directory)
        undo = scripts.write_undo_restore(folder, record, was_dropped=True)
        address = direct_address()
        label = scratch_of(address, purpose="tables").marker
        end_sessions(address, label)  # a restore that outlives its killed run
        with address.connect() as connection:
            tools = find_tools(connection.info.server_version)
        try:
            tools.restore(
                *(address, "--exit-on-error", "--single-transaction", str(folder / DUMP)),
                label=label,
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
    away = [record for record in known if _is_awaited(record) and not record.dropped_at]
    gone = [record for record in known if _is_awaited(record)]
    return (away or gone or known)[0]


def _is_awaited(record: UnusedTableBackup) -> bool:
    return bool(record.quarantined_at and not record.restored_at)


def _is_there(record: UnusedTableBackup) -> bool:
    return (record.schema, record.name) in {(t.schema, t.name) for t in every_table()}
