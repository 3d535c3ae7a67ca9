"""What speaks for and against a table's being unused: size, last use, and what hangs on it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from mimivibes.maintenance.postgres.tables import Table, count_rows, database, quoted
from mimivibes.maintenance.unused_tables.finding import owners

FIGURES = """
WITH part AS (SELECT %(oid)s::oid AS oid UNION SELECT relid FROM pg_partition_tree(%(oid)s::oid))
SELECT sum(pg_total_relation_size(part.oid))::bigint AS total_bytes,
       sum(pg_relation_size(part.oid))::bigint AS table_bytes,
       sum(pg_indexes_size(part.oid))::bigint AS index_bytes,
       sum(coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0))::bigint AS toast_bytes,
       CASE WHEN bool_and(reltuples >= 0 OR relkind = 'p') THEN
           sum(reltuples) FILTER (WHERE relkind = 'r')::bigint END AS estimated_rows,
       coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::bigint AS reads,
       coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS writes,
       {last_read} AS last_read_at
FROM part JOIN pg_class ON pg_class.oid = part.oid
LEFT JOIN pg_stat_all_tables ON pg_stat_all_tables.relid = part.oid
"""
LAST_READ_SINCE = 160_000
"""The version from which PostgreSQL says when a table was last read."""
FOREIGN_KEYS = """
SELECT conname, nspname, relname, pg_class.oid AS oid
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE contype = 'f' AND confrelid = %(oid)s AND conrelid <> %(oid)s AND conparentid = 0
ORDER BY nspname, relname, conname
"""
VIEWS = """
SELECT DISTINCT nspname, relname FROM pg_depend
JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
JOIN pg_class ON pg_class.oid = ev_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE refclassid = 'pg_class'::regclass AND refobjid = %(oid)s AND ev_class <> %(oid)s
ORDER BY nspname, relname
"""
DEPENDENTS = """
SELECT DISTINCT pg_describe_object(classid, objid, 0) AS what FROM pg_depend
WHERE refclassid = 'pg_class'::regclass AND refobjid = %(oid)s AND deptype = 'n'
  AND classid IN ('pg_proc'::regclass, 'pg_policy'::regclass)
  AND NOT EXISTS (SELECT FROM pg_policy WHERE pg_policy.oid = objid AND polrelid = %(oid)s)
"""
FUNCTIONS = """
SELECT pg_proc.oid::regprocedure::text, prosrc FROM pg_proc
JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname <> 'information_schema' AND NOT starts_with(nspname, 'pg_')
ORDER BY 1
"""
SEQUENCES = """
SELECT nspname, relname FROM pg_depend JOIN pg_class ON pg_class.oid = objid AND relkind = 'S'
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
  AND refobjid = %(oid)s AND deptype IN ('a', 'i') ORDER BY nspname, relname
"""
TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = %(oid)s AND NOT tgisinternal ORDER BY 1"
SINCE = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What PostgreSQL knows of one table."""

    table: Table
    total_bytes: int
    table_bytes: int
    index_bytes: int
    toast_bytes: int
    estimated_rows: int | None
    rows: int | None
    reads: int
    writes: int
    last_read_at: datetime | None
    keys_of_owned_tables: list[str] = field(default_factory=list)
    keys_of_unused_tables: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    dependents: list[str] = field(default_factory=list)
    functions_that_mention_it: list[str] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)


def gather(tables: Sequence[Table], *, count: bool) -> list[Evidence]:
    """Return the evidence of each table; `count` reads them to say how many rows exactly."""
    owned, functions = owners(), database().execute(FUNCTIONS).fetchall()
    return [_evidence(table, owned, functions, count=count) for table in tables]


def statistics_since() -> datetime | None:
    """Return since when this database counts uses; None if it has from its beginning on."""
    since: datetime | None
    [(since,)] = database().execute(SINCE).fetchall()
    return since


def _evidence(
    table: Table, owned: dict[int, str], functions: list[tuple[str, str]], *, count: bool
) -> Evidence:
    keys = _keys(table.oid)
    return Evidence(
        table=table,
        rows=count_rows(database(), table) if count else None,
        keys_of_owned_tables=[key for oid, key in keys if oid in owned],
        keys_of_unused_tables=[key for oid, key in keys if oid not in owned],
        views=_views(table.oid),
        dependents=_dependents(table.oid),
        functions_that_mention_it=_mentions(table, functions),
        sequences=[quoted(*row) for row in _named(SEQUENCES, table.oid)],
        triggers=[name for (name,) in _named(TRIGGERS, table.oid)],
        **_figures(table),
    )


def objections(table: Table) -> list[str]:
    """Say what in the database still stands on the table, so that it must stay where it is."""
    owned = owners()
    return [
        *(f"the owned table {key} refers to it" for oid, key in _keys(table.oid) if oid in owned),
        *(f"the view {view} reads it" for view in _views(table.oid)),
        *(f"{what} depends on it" for what in _dependents(table.oid)),
    ]


def what_forbids_to_drop(oid: int) -> list[str]:
    """Name what PostgreSQL would not drop the table for, unless it goes first."""
    return [*(key for _, key in _keys(oid)), *_views(oid)]


def _keys(oid: int) -> list[tuple[int, str]]:
    """Return each foreign key that refers to the table, with the table that has it."""
    keys = _named(FOREIGN_KEYS, oid)
    return [(of, f"{quoted(schema, table)} ({key})") for key, schema, table, of in keys]


def _views(oid: int) -> list[str]:
    return [quoted(*row) for row in _named(VIEWS, oid)]


def _dependents(oid: int) -> list[str]:
    return [what for (what,) in _named(DEPENDENTS, oid)]


def _figures(table: Table) -> dict[str, Any]:
    connection = database()
    knows = connection.info.server_version >= LAST_READ_SINCE
    last_read = "max(greatest(last_seq_scan, last_idx_scan))" if knows else "NULL::timestamptz"
    cursor = connection.cursor(row_factory=dict_row)
    query = FIGURES.replace("{last_read}", last_read)
    [figures] = cursor.execute(query, {"oid": table.oid}).fetchall()
    return figures


def _named(query: str, oid: int) -> list[tuple[Any, ...]]:
    return database().execute(query, {"oid": oid}).fetchall()


def _mentions(table: Table, functions: list[tuple[str, str]]) -> list[str]:
    """Find functions whose text has the name as a word: they may read it, PostgreSQL cannot say.

    A name with capitals is always written as it is; others may be written with capitals.
    """
    flags = re.IGNORECASE if table.name == table.name.lower() else re.NOFLAG
    word = re.compile(rf"(?<!\w){re.escape(table.name)}(?!\w)", flags)
    return [name for name, text in functions if word.search(text)]
