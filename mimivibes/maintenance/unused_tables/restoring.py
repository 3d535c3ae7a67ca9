"""Bring tables back: out of quarantine by their name, or from the backup when they were dropped."""

from datetime import datetime
from pathlib import Path

from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.postgres.content import Content, content
from mimivibes.maintenance.postgres.scratch import end_sessions, scratch_of
from mimivibes.maintenance.postgres.tables import database, every_table, quoted
from mimivibes.maintenance.postgres.tools import ToolFailed, tools_for
from mimivibes.maintenance.unused_tables import scripts
from mimivibes.maintenance.unused_tables.finding import Refused, ambiguous, answers_to
from mimivibes.maintenance.unused_tables.folders import DUMP, PURPOSE, folder_of
from mimivibes.maintenance.unused_tables.quarantine import Done, bring_back
from mimivibes.models import UnusedTableBackup


def restore(name: str, *, directory: Path | None, now: datetime) -> Done:
    """Bring a table back, out of quarantine or out of its backup. Raises `Refused`."""
    record = _find(name)
    if record.is_in_quarantine:
        return bring_back(record, directory=directory, now=now)
    if not record.is_away and _is_there(record):
        return Done("is where it belongs", None)
    return _from_the_dump(record, directory=directory, now=now)


def _from_the_dump(record: UnusedTableBackup, *, directory: Path | None, now: datetime) -> Done:
    """Restore what was dropped; a run that was killed before it said so is taken at its result."""
    undo = None
    if not _is_there(record):
        folder = folder_of(record, directory)
        undo = scripts.write_undo_restore(folder, record, was_dropped=True)
        address = direct_address()
        label = scratch_of(address, purpose=PURPOSE).marker
        end_sessions(address, label)  # a restore that outlives its killed run
        try:
            tools_for(address).restore(
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
    newest_first = UnusedTableBackup.objects.order_by("-verified_at")
    known = [record for record in newest_first if answers_to(name, record)]
    if not known:
        raise Refused(f"There is no backup of a table {name}.")
    if len({(record.schema, record.name) for record in known}) > 1:
        raise ambiguous(name, known)
    in_quarantine = [record for record in known if record.is_in_quarantine]
    away = [record for record in known if record.is_away]
    return (in_quarantine or away or known)[0]


def _is_there(record: UnusedTableBackup) -> bool:
    return (record.schema, record.name) in {(t.schema, t.name) for t in every_table()}
