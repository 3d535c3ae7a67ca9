"""Tables that no model owns: those of the system that this one replaces, and hostile ones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from tests.maintenance.scratch import scratch_databases

SCHEMA = Path(__file__).parents[2] / "legacy" / "schema.sql"
PEOPLE = """
INSERT INTO "User" (id, name, "updatedAt", stars) VALUES ('user_nok', 'Nok', now(), 3),
    ('user_ploy', NULL, now(), 1), ('user_mali', '', now(), 0);
INSERT INTO referral_codes (id, "userId", code, "referredBy") VALUES
    ('code_1', 'user_nok', 'NOK', NULL), ('code_2', 'user_ploy', 'PLOY', 'user_nok');
"""

Execute = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def execute(transactional_db: Any) -> Execute:
    """Run SQL as somebody with psql would, past the models."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    return run


@pytest.fixture(autouse=True)
def _no_table_stays(execute: Execute) -> Iterator[None]:
    """Drop whatever tables, types and databases a test made."""
    before, _ = _tables(execute), execute("DROP SCHEMA IF EXISTS attic CASCADE")
    yield
    for schema, name in _tables(execute) - before:
        table = sql.Identifier(schema, name).as_string(None).replace("%", "%%")
        execute(f"DROP TABLE IF EXISTS {table} CASCADE")
    execute('DROP TYPE IF EXISTS "Role"; DROP SCHEMA IF EXISTS attic CASCADE')
    assert scratch_databases("tables") == []


@pytest.fixture
def replaced_system(execute: Execute) -> None:
    """The tables of the replaced system, as Prisma made them, with three people in them."""
    execute(SCHEMA.read_text())
    execute(PEOPLE)


@pytest.fixture
def where(tmp_path: Path, settings: Any) -> Path:
    """The directory of backups."""
    settings.BACKUP_DIRECTORY = str(tmp_path)
    return tmp_path


def _tables(execute: Execute) -> set[tuple[str, str]]:
    rows = execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'pg_catalog'")
    return {(schema, name) for schema, name in rows}
