"""Which tables nobody owns.

Owned is what an installed model has (managed or not, many-to-many tables included), what a
migration makes by SQL of its own, what an extension brings, and every partition and heir of those.
All else that is a table, in any schema but PostgreSQL's own, is unused as far as we can tell.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from inspect import getsource

from django.apps import apps
from django.db import connection as django_connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from mimivibes.maintenance.postgres.tables import Table, database, every_table, quoted
from mimivibes.models import UnusedTableBackup

NAME = r'(?:"(?:[^"]|"")+"|\w+)'
MADE_BY_SQL = re.compile(
    rf"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?({NAME}(?:\s*\.\s*{NAME})?)"
    rf"|rename\s+to\s+({NAME})",
    re.IGNORECASE,
)
FAMILY = """
WITH RECURSIVE family AS (
    SELECT oid, owner FROM unnest(%s::oid[], %s::text[]) AS known (oid, owner)
    UNION
    SELECT inhrelid, owner FROM pg_inherits JOIN family ON inhparent = oid
)
SELECT oid, owner FROM family
"""


class Refused(Exception):
    """What was asked for is not done; the message says why, and what to do."""


def unused_tables() -> list[Table]:
    """Return every table that nobody owns, those in quarantine included."""
    owned = owners()
    return [table for table in every_table() if table.oid not in owned]


def find(wanted: Sequence[str]) -> list[Table]:
    """Return the unused tables that go by these names: `name`, `schema.name` or quoted for SQL.

    Raises `Refused` for a table that is not there, that is owned, or that is in quarantine.
    """
    owned, tables = owners(), every_table()
    away = in_quarantine()
    return list(dict.fromkeys(_find(name, tables, owned, away) for name in wanted))


def answers_to(name: str, one: Table | UnusedTableBackup) -> bool:
    """Return whether a table, or that of a backup, goes by what somebody typed."""
    return name in {
        *(one.name, f"{one.schema}.{one.name}"),
        *(quoted(one.name), quoted(one.schema, one.name)),
    }


def ambiguous(name: str, found: Iterable[Table | UnusedTableBackup]) -> Refused:
    """Return the refusal of a name that several tables go by."""
    spellings = ", ".join(sorted({quoted(one.schema, one.name) for one in found}))
    return Refused(f"{name} may be any of {spellings}. Name one of them as printed here.")


def in_quarantine() -> list[UnusedTableBackup]:
    """Return the records of what is in quarantine now."""
    away = UnusedTableBackup.objects.filter(
        quarantined_at__isnull=False, dropped_at__isnull=True, restored_at__isnull=True
    )
    return list(away.order_by("quarantined_at", "pk"))


def owners() -> dict[int, str]:
    """Return who owns each owned table, by its object id."""
    spelled = dict([*_by_migrations(), *_by_models()])
    rows = database().execute(
        "SELECT oid, owner FROM (SELECT to_regclass(spelling)::oid AS oid, owner"
        " FROM unnest(%s::text[], %s::text[]) AS known (spelling, owner)) AS found"
        " WHERE oid IS NOT NULL",
        [list(spelled), list(spelled.values())],
    )
    known = dict(rows.fetchall())
    return dict(database().execute(FAMILY, [list(known), list(known.values())]).fetchall())


def _find(
    name: str, tables: list[Table], owned: dict[int, str], away: list[UnusedTableBackup]
) -> Table:
    found = [table for table in tables if answers_to(name, table)]
    if not found:
        hidden = [record for record in away if answers_to(name, record)]
        raise Refused(
            f"{name} is in quarantine, as {quoted(hidden[0].schema, hidden[0].quarantined_as)}."
            if hidden
            else f"There is no table {name}. `unused_tables report` names those unused."
        )
    if len(found) > 1:
        raise ambiguous(name, found)
    [table] = found
    if table.oid in owned:
        raise Refused(f"{table.quoted} is in use: it belongs to {owned[table.oid]}.")
    if table.oid in {record.oid for record in away}:
        raise Refused(f"{table.quoted} is in quarantine already.")
    return table


def _by_models() -> Iterator[tuple[str, str]]:
    """Give the tables of all models as Django spells them, and each model's name."""
    models = apps.get_models(include_auto_created=True, include_swapped=True)
    applied: type[Model] = MigrationRecorder(django_connection).Migration
    for model in [*models, applied]:
        yield django_connection.ops.quote_name(model._meta.db_table), f"model {model._meta.label}"


def _by_migrations() -> Iterator[tuple[str, str]]:
    """Give the tables that migrations make by SQL, read off their source, and the migration.

    What a migration mentions counts as its own, though it may drop it later: rather too many than
    too few are left alone.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for app, name in sorted(loader.disk_migrations):
        module = import_module(loader.disk_migrations[app, name].__module__)
        for match in MADE_BY_SQL.finditer(getsource(module).replace('\\"', '"')):
            yield match[1] or match[2], f"migration {app}.{name}"
