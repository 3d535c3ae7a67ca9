"""Load rows in bulk: triggers and indexes off, foreign keys put back and so checked."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from tests.database import without_triggers


def connect(name: str) -> None:
    """Let this process use database `name` from now on."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


@contextmanager
def without_triggers_and_indexes(say: Callable[[str], None]) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN_KEYS)
        keys = cursor.fetchall()
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
        for drop, _ in [*keys, *indexes]:
            cursor.execute(drop)
        with without_triggers(), _every_column_has_a_default():
            yield
        for kind, statements in (("indexes", indexes), ("foreign keys", keys)):
            with timed(kind, say):
                for _, add in statements:
                    cursor.execute(add)


_FOREIGN_KEYS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""

# Those that no constraint owns.
_INDEXES = """
SELECT format('DROP INDEX %I', relname), pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@contextmanager
def _every_column_has_a_default() -> Iterator[None]:
    """Let the rows name what matters alone, and know nothing of columns that came after them."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        for add, _ in columns:
            cursor.execute(add)
        yield
        for _, drop in columns:
            cursor.execute(drop)


_COLUMNS = """
SELECT format('ALTER TABLE %I ALTER %I SET DEFAULT %s', table_name, column_name, CASE data_type
           WHEN 'boolean' THEN 'false'
           WHEN 'timestamp with time zone' THEN 'now()' WHEN 'date' THEN 'current_date'
           WHEN 'jsonb' THEN quote_literal('{}') WHEN 'ARRAY' THEN quote_literal('{}')
           WHEN 'character varying' THEN quote_literal('') WHEN 'text' THEN quote_literal('')
           ELSE '0' END),
       format('ALTER TABLE %I ALTER %I DROP DEFAULT', table_name, column_name)
FROM information_schema.columns
WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
  AND is_identity = 'NO' AND data_type <> 'uuid'
"""


def set_sequences() -> None:
    """Let the next row of every table come after those that were loaded."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            for sequence in connection.introspection.get_sequences(cursor, table):
                column = sequence["column"]
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s),"
                    f" coalesce(max({column}), 0) + 1, false) FROM {table}",
                    [table, column],
                )


@contextmanager
def timed(name: str, say: Callable[[str], None]) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {name}: {time.monotonic() - began:.0f} s")
