"""Empty the test database between tests that commit, and give it back what migrations put there.

Django empties it by TRUNCATE, which the ledger's triggers refuse, and which loses the default rules
and terms. So the tests, as owner of the tables, switch triggers off for the moment of the clean-up,
and restore the rows that stood after the migrations.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

KEPT = "seeds"


def remember_seeds() -> None:
    """Copy every table that is not empty after the migrations."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE; CREATE SCHEMA {KEPT}")
        for table in _tables():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')
            if cursor.fetchone() == (True,):
                cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE "{table}"')


def restore_seeds(*_: object) -> None:
    """Take the place of Django's flush."""
    tables = _tables()
    every_table = ", ".join(f'"{table}"' for table in tables)
    with transaction.atomic(), without_triggers(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {every_table}")
        for table in _tables(KEPT):
            cursor.execute(
                f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE SELECT * FROM {KEPT}."{table}"'
            )


@contextmanager
def without_triggers() -> Iterator[None]:
    """Switch off our triggers, not PostgreSQL's foreign keys; also to plant faults for a test."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
            " JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace"
        )
        guarded = [table for (table,) in cursor.fetchall()]
        # A table cannot be altered while checks of its rows are still to come.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@contextmanager
def read_only() -> Iterator[None]:
    """Let PostgreSQL refuse to write, as a replica does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        yield
        transaction.set_rollback(True)  # which also ends that


def _tables(schema: str = "public") -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s"
            " AND tablename <> 'django_migrations' ORDER BY tablename",
            [schema],
        )
        return [table for (table,) in cursor.fetchall()]
