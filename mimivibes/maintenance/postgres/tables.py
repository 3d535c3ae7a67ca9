"""Tables as PostgreSQL knows them, whether or not a model has them."""

from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection as django_connection
from psycopg import sql

EVERY_TABLE = """
SELECT pg_class.oid, nspname, relname, relkind = 'p' AS is_partitioned
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND NOT relispartition
  AND nspname <> 'information_schema' AND NOT starts_with(nspname, 'pg_')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass
                  AND objid = pg_class.oid AND deptype = 'e')
ORDER BY nspname, relname
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of some database."""

    oid: int
    schema: str
    name: str
    is_partitioned: bool

    @property
    def quoted(self) -> str:
        """Its name as SQL has it, and as our commands print it."""
        return quoted(self.schema, self.name)


def quoted(*names: str) -> str:
    """Return a name for SQL, whatever is in it."""
    return sql.Identifier(*names).as_string(None)


def database() -> psycopg.Connection[Any]:
    """Return psycopg's own side of Django's connection, in the same transaction as the ORM."""
    django_connection.ensure_connection()
    connection: psycopg.Connection[Any] = django_connection.connection
    return connection


def every_table(connection: psycopg.Connection[Any] | None = None) -> list[Table]:
    """Return all tables but PostgreSQL's and extensions' own, in our database or another."""
    return [Table(*row) for row in (connection or database()).execute(EVERY_TABLE).fetchall()]


def count_rows(connection: psycopg.Connection[Any], table: Table) -> int:
    """Read the whole table, partitions and heirs included, to say how many rows it has."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema, table.name))
    [(rows,)] = connection.execute(query).fetchall()
    return int(rows)
