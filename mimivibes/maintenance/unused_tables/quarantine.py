"""Put unused tables out of reach by another name, bring them back, and drop them at last.

A change to a table and the record of it are one transaction, so that whatever is killed has either
happened or not.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import psycopg
from django.db import transaction
from psycopg import sql

from mimivibes.maintenance.postgres.content import Content, content
from mimivibes.maintenance.postgres.tables import Table, database, every_table, quoted
from mimivibes.maintenance.unused_tables import scripts
from mimivibes.maintenance.unused_tables.evidence import objections
from mimivibes.maintenance.unused_tables.finding import (
    Refused,
    ambiguous,
    answers_to,
    in_quarantine,
    owners,
)
from mimivibes.maintenance.unused_tables.folders import folder_of
from mimivibes.models import UnusedTableBackup

LOCK_SECONDS = 2.0
"""How long a step waits for a table, and whoever comes after it for that step."""
MANY = 1_000
TRIES = 5
PAUSE_SECONDS = 1.0
LONGEST_NAME = 63

Result = TypeVar("Result")


class Done(NamedTuple):
    """What was done to a table, and the script that takes it back."""

    how: str
    undo: Path | None


def is_away(name: str) -> bool:
    """Return whether the table is in quarantine, and no other has its name since."""
    named = [record for record in in_quarantine() if answers_to(name, record)]
    there = [table for table in every_table() if answers_to(name, table)]
    return len(named) == 1 and not there


def last_away(name: str) -> UnusedTableBackup:
    """Return the record of a table that is in quarantine, or was dropped from there.

    Raises `Refused` if there is none, or more than one.
    """
    dropped = UnusedTableBackup.objects.filter(dropped_at__isnull=False, restored_at=None)
    away = [record for record in in_quarantine() if answers_to(name, record)]
    found = away or [r for r in dropped.order_by("-dropped_at")[:MANY] if answers_to(name, r)][:1]
    if not found:
        raise Refused("It is not in quarantine. `unused_tables report` says what is.")
    if len(found) > 1:
        raise ambiguous(name, found)
    return found[0]


def backup_for(table: Table) -> UnusedTableBackup:
    """Return the newest proved backup by which the table can be quarantined, or raise `Refused`."""
    unused = UnusedTableBackup.objects.filter(
        oid=table.oid, schema=table.schema, name=table.name, quarantined_at=None, restored_at=None
    )
    newest = unused.order_by("verified_at").last()
    if newest is None:
        raise Refused("There is no backup. Run `unused_tables backup` first.")
    return newest


def may_be_quarantined(table: Table, *, directory: Path | None) -> UnusedTableBackup:
    """Return the backup by which the table can be quarantined now, or raise `Refused` with why not.

    Takes the table's word for nothing: the backup's file and the table's content are read.
    """
    record = backup_for(table)
    folder_of(record, directory)
    standing = objections(table)
    if standing:
        raise Refused(f"It must stay, for {'; '.join(standing)}.")
    _must_be_as_backed_up(record, table.name)
    return record


def quarantine(table: Table, *, directory: Path | None, now: datetime) -> Done:
    """Rename the table, once its backup is found to be what it is now. Raises `Refused`.

    Writers wait while the table is read; readers only for the renaming.
    """

    def step() -> Done:
        _lock(table.schema, table.name, "SHARE")
        _must_be_nobodys(table)
        record = may_be_quarantined(table, directory=directory)
        hidden = _name_in_quarantine(record)
        undo = scripts.write_undo_quarantine(folder_of(record, directory), record, hidden)
        _rename(record.schema, record.name, hidden)
        record.quarantined_as, record.quarantined_at = hidden, now
        record.save(update_fields=["quarantined_as", "quarantined_at"])
        return Done(f"in quarantine, as {quoted(record.schema, hidden)}", undo)

    return _with_patience(step)


def bring_back(record: UnusedTableBackup, *, directory: Path | None, now: datetime) -> Done:
    """Give a table in quarantine its name again. Raises `Refused`."""

    def step() -> Done:
        _lock(record.schema, record.quarantined_as, "ACCESS EXCLUSIVE")
        _must_be_the_same_table(record)
        folder = folder_of(record, directory)
        undo = scripts.write_undo_restore(folder, record, was_dropped=False)
        _rename(record.schema, record.quarantined_as, record.name)
        record.restored_at = now
        record.save(update_fields=["restored_at"])
        return Done("has its name again", undo)

    return _with_patience(step)


def may_be_dropped(
    record: UnusedTableBackup, *, age: timedelta, directory: Path | None, now: datetime
) -> Path:
    """Return the backup's folder if the table may be dropped now, or raise `Refused`."""
    if record.quarantined_at is None:
        raise Refused("It is not in quarantine.")
    due = record.quarantined_at + age
    if due > now:
        raise Refused(f"It is not due before {due:%Y-%m-%d %H:%M %Z}.")
    folder = folder_of(record, directory)
    _must_be_the_same_table(record)
    if owner := owners().get(record.oid):
        raise Refused(f"It has an owner by now: it belongs to {owner}.")
    _must_be_as_backed_up(record, record.quarantined_as)
    return folder


def drop(
    record: UnusedTableBackup, *, age: timedelta, directory: Path | None, now: datetime
) -> Done:
    """Drop a table that has had its time in quarantine; what depends on it forbids it.

    Raises `Refused`, with PostgreSQL's own words if something depends on the table.
    """

    def step() -> Done:
        _lock(record.schema, record.quarantined_as, "ACCESS EXCLUSIVE")
        folder = may_be_dropped(record, age=age, directory=directory, now=now)
        undo = scripts.write_undo_drop(folder, record)
        table = sql.Identifier(record.schema, record.quarantined_as)
        try:
            database().execute(sql.SQL("DROP TABLE {} RESTRICT").format(table))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise Refused(f"{error.diag.message_primary}: {_one_line(error)}") from error
        record.dropped_at = now
        record.save(update_fields=["dropped_at"])
        return Done("dropped", undo)

    return _with_patience(step)


def _with_patience(step: Callable[[], Result]) -> Result:
    """Do the step in a transaction, again if somebody has the table. Raises `Refused` at last."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                database().execute(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}")
                # Whoever is killed while the table is read shall not keep it until that is over.
                database().execute("SET LOCAL client_connection_check_interval = 1000")
                return step()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if not left:
                raise Refused(
                    f"Somebody is using it: {TRIES} times it was not free within"
                    f" {LOCK_SECONDS:g} s. See pg_stat_activity for who, and try again."
                ) from error
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")


def _one_line(error: psycopg.Error) -> str:
    return (error.diag.message_detail or "").replace("\n", "; ")


def _lock(schema: str, name: str, mode: str) -> None:
    with _told_if_missing(schema, name):
        database().execute(
            sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.Identifier(schema, name), sql.SQL(mode))
        )


def _rename(schema: str, old: str, new: str) -> None:
    try:
        database().execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                sql.Identifier(schema, old), sql.Identifier(new)
            )
        )
    except psycopg.errors.DuplicateTable as error:
        raise Refused(f"There is another {quoted(schema, new)} by now.") from error


def _must_be_nobodys(table: Table) -> None:
    """Refuse a table that was replaced, or that got an owner, before we had its lock."""
    if table not in every_table() or table.oid in owners():
        raise Refused("It was changed meanwhile. Look at `unused_tables report` again.")


def _must_be_the_same_table(record: UnusedTableBackup) -> None:
    oids = {(table.schema, table.name): table.oid for table in every_table()}
    if oids.get((record.schema, record.quarantined_as)) != record.oid:
        raise Refused(_not_there(record.schema, record.quarantined_as))


def _must_be_as_backed_up(record: UnusedTableBackup, name: str) -> None:
    with _told_if_missing(record.schema, name):
        now_in_it = content(database(), record.schema, name)
    if now_in_it != Content(record.rows, record.content_hash):
        raise Refused(
            f"Its content is not what was backed up at {record.verified_at:%Y-%m-%d %H:%M %Z}"
            f" ({now_in_it.rows:,} rows now, {record.rows:,} then): somebody writes to it."
        )


@contextmanager
def _told_if_missing(schema: str, name: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise Refused(_not_there(schema, name)) from error


def _not_there(schema: str, name: str) -> str:
    return f"The table {quoted(schema, name)} is not there: somebody renamed or dropped it by hand."


def _name_in_quarantine(record: UnusedTableBackup) -> str:
    """Return a name that is nobody else's, by the record's number, and no longer than names are."""
    name = f"quarantine_{record.pk}_{record.name}".encode()[:LONGEST_NAME]
    return name.decode(errors="ignore")
