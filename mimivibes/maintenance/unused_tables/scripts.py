"""Scripts that take back what a step did, without this code: for psql, or for a shell.

Each lies in the backup's folder before its step is done, so that it is there however the step ends.
Names are quoted for SQL; in comments they are on one line, whatever is in them.
"""

import json
from pathlib import Path

from mimivibes.maintenance.postgres.tables import Table, quoted
from mimivibes.maintenance.unused_tables.folders import DUMP, SUMS
from mimivibes.models import UnusedTableBackup

RESTORE, UNDO_QUARANTINE, UNDO_RESTORE, UNDO_DROP = (
    *("restore.sh", "undo-quarantine.sql"),
    *("undo-restore.sql", "undo-drop.sh"),
)
RECORDS = quoted(UnusedTableBackup._meta.db_table)
SHELL = """\
#!/bin/sh
# {what}
#
# Name the database by PostgreSQL's own variables (PGHOST, PGPORT, PGUSER, PGDATABASE, and a
# password in ~/.pgpass or PGPASSWORD), with a pg_restore in PATH as new as the pg_dump was:
#
#     PGHOST=db.example.com PGUSER=owner PGDATABASE=referrals sh {name}
#
# All of it is done, or nothing: it stops if the dump is damaged, if a table of that name is there
# already, or if a table that it refers to is missing (restore that one first). Types and functions
# that were removed since are in surroundings.dump.
set -eu
cd "$(dirname "$0")"
: "${{PGDATABASE:?Name the database to restore into, see the head of this script}}"
sha256sum --check --quiet {sums}
pg_restore --exit-on-error --single-transaction --dbname="$PGDATABASE" {dump}
"""
RECORD = """\
psql --no-psqlrc --set=ON_ERROR_STOP=1 --quiet --dbname="$PGDATABASE" --file=- <<'SQL'
{statement}
SQL
"""
SQL = """\
-- {what}
--
--     psql --no-psqlrc --file={name}
--
-- with the database named by PGHOST, PGPORT, PGUSER and PGDATABASE. All of it is done, or nothing.
\\set ON_ERROR_STOP on
BEGIN;
SET LOCAL lock_timeout = '10s';
{statements}
COMMIT;
"""


def write_restore(folder: Path, table: Table) -> None:
    """Write what brings a table back that was dropped by whatever means."""
    what = f"Brings the table {_plain(table.quoted)} back, as it was when the backup was taken."
    _write(folder / RESTORE, _shell(RESTORE, what))


def write_undo_drop(folder: Path, record: UnusedTableBackup) -> Path:
    what = (
        f"Brings the table {_plain(_original(record))} back, under its own name, after it was"
        " dropped from quarantine."
    )
    told = RECORD.format(statement=_set(record, "restored_at = now()"))
    return _write(folder / UNDO_DROP, _shell(UNDO_DROP, what) + told)


def write_undo_quarantine(folder: Path, record: UnusedTableBackup, quarantined_as: str) -> Path:
    return _write_sql(
        folder / UNDO_QUARANTINE,
        f"Takes the table {_plain(_original(record))} out of quarantine.",
        _rename(record.schema, quarantined_as, record.name),
        _set(record, "restored_at = now()"),
    )


def write_undo_restore(folder: Path, record: UnusedTableBackup, *, was_dropped: bool) -> Path:
    """Write what puts a restored table back where it was: in quarantine, or nowhere."""
    original = _original(record)
    if was_dropped:
        what = f"Drops the table {_plain(original)} again. What was written to it since is lost."
        step = f"DROP TABLE {original} RESTRICT;"
    else:
        what = f"Puts the table {_plain(original)} into quarantine again."
        step = _rename(record.schema, record.name, record.quarantined_as)
    return _write_sql(folder / UNDO_RESTORE, what, step, _set(record, "restored_at = NULL"))


def _shell(name: str, what: str) -> str:
    return SHELL.format(name=name, what=what, sums=SUMS, dump=DUMP)


def _write_sql(file: Path, what: str, *statements: str) -> Path:
    return _write(file, SQL.format(what=what, name=file.name, statements="\n".join(statements)))


def _write(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o600)
    return file


def _original(record: UnusedTableBackup) -> str:
    return quoted(record.schema, record.name)


def _rename(schema: str, old: str, new: str) -> str:
    return f"ALTER TABLE {quoted(schema, old)} RENAME TO {quoted(new)};"


def _set(record: UnusedTableBackup, change: str) -> str:
    return f"UPDATE {RECORDS} SET {change} WHERE id = {record.pk};"


def _plain(name: str) -> str:
    """Return a name on one line, for a comment."""
    return json.dumps(name, ensure_ascii=False)[1:-1].replace('\\"', '"')
