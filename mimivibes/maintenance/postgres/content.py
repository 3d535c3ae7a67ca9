"""What is in a table, as two figures that another copy of it can be held against."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from mimivibes.maintenance.postgres.address import Address

# Whatever a session prefers, a value reads the same: to the last digit, in one zone and style.
ONE_WAY_TO_WRITE = """
SET LOCAL extra_float_digits = 1; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL xmlbinary = 'hex';
SET LOCAL lc_monetary = 'C'; SET LOCAL search_path = ''
"""
SUMS = sql.SQL("""
SELECT count(*), coalesce(sum(left_half), 0), coalesce(sum(right_half), 0) FROM (
    SELECT ('x' || left(hash, 16))::bit(64)::bigint AS left_half,
           ('x' || substr(hash, 17, 16))::bit(64)::bigint AS right_half
    FROM (SELECT encode(sha256(textsend(ROW({columns})::text)), 'hex') AS hash
          FROM {only} {table} AS t) AS row_hash
) AS halves
""")
WORD = 2**64


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows, and a hash of them all that does not depend on their order."""

    rows: int
    digest: str


def content(connection: psycopg.Connection[Any], schema: str, table: str) -> Content:
    """Read the whole table, partitions included; what the connection sees and locks stays.

    Each row is written out (as PostgreSQL does for a row, so that NULL and '' differ) and hashed;
    the hashes are added up. Columns are taken by name, for a dropped one leaves a gap that its copy
    does not have. Raises `psycopg.errors.UndefinedTable`.
    """
    with connection.transaction(force_rollback=True):  # which takes the settings back
        connection.execute(ONE_WAY_TO_WRITE)
        is_partitioned, columns = _shape(connection, schema, table)
        [(rows, left, right)] = connection.execute(
            SUMS.format(
                columns=sql.SQL(", ").join(sql.Identifier("t", name) for name in columns),
                only=sql.SQL("" if is_partitioned else "ONLY"),
                table=sql.Identifier(schema, table),
            )
        ).fetchall()
    return Content(rows, f"{int(left) % WORD:016x}{int(right) % WORD:016x}")


@contextmanager
def snapshot(address: Address) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Give a connection to one moment of the database, and the name of that moment for pg_dump.

    Whatever is written meanwhile, the dump and what this connection reads are the same.
    """
    with address.connect() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.execute("SET LOCAL statement_timeout = 0")
        [(name,)] = connection.execute("SELECT pg_export_snapshot()").fetchall()
        yield connection, name


def _shape(connection: psycopg.Connection[Any], schema: str, table: str) -> tuple[bool, list[str]]:
    """Return whether it is partitioned, and its columns in their order."""
    [(is_partitioned, columns)] = connection.execute(
        "SELECT relkind = 'p', coalesce(array_agg(attname::text ORDER BY attnum)"
        " FILTER (WHERE attnum > 0 AND NOT attisdropped), '{}')"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE pg_class.oid = %s::regclass GROUP BY pg_class.oid",
        [sql.Identifier(schema, table).as_string(connection)],
    ).fetchall()
    return is_partitioned, columns
