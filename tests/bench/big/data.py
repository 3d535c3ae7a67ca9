"""The large database: made once by bulk SQL, proved, and kept for the runs that follow.

Rows come in the order of their times, as they would have: a year of people, each invited by
somebody earlier (a few by far the most), claims in every state, an old program that ended, browser
sessions that led nowhere. Foreign keys and indexes are taken off for the load and put back after
it, which checks every row; the ledger's triggers are off meanwhile, and `verify_ledger` proves what
they would have.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from referrals.services.proof import verify_attributions
from rewards.services import verify_ledger
from tests.bench.big.rows import STAGES
from tests.database import without_triggers
from tests.server import fresh_database

NAME = "mimivibes_big"
PEOPLE = 1_000_001
"""Each but the first was invited: a million attributions."""


class NotProved(Exception):
    """The data that was made has faults."""


def prepare(say: Callable[[str], None], *, people: int = PEOPLE) -> None:
    """Connect to the large database; make it if it is not there or was made by other code."""
    if _mark_of(NAME) == _mark(people):
        _connect()
        call_command("migrate", verbosity=0)
        return
    say(f"A database of {people - 1:,} attributions ({NAME}; made once, then kept) ...")
    fresh_database(NAME)
    _connect()
    make(say, people=people)
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE {NAME} IS '{_mark(people)}'")


def make(say: Callable[[str], None], *, people: int) -> None:
    """Fill the connected, empty database; raises `NotProved` if a proof finds a fault."""
    with transaction.atomic():
        with _without_triggers_and_indexes(say), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB'")
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            for name, statement in STAGES:
                with _timed(name, say):
                    cursor.execute(statement, {"people": people})
        _set_sequences()
    with _timed("vacuum", say), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    with _timed("proof", say):
        faults = [*verify_ledger(), *verify_attributions()]
    if faults:
        raise NotProved(f"{len(faults)} faults, the first: {faults[0]}")


@contextmanager
def _without_triggers_and_indexes(say: Callable[[str], None]) -> Iterator[None]:
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
            with _timed(kind, say):
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
           WHEN 'boolean' THEN 'false' WHEN 'timestamp with time zone' THEN 'now()'
           WHEN 'jsonb' THEN quote_literal('{}') WHEN 'ARRAY' THEN quote_literal('{}')
           WHEN 'character varying' THEN quote_literal('') WHEN 'text' THEN quote_literal('')
           ELSE '0' END),
       format('ALTER TABLE %I ALTER %I DROP DEFAULT', table_name, column_name)
FROM information_schema.columns
WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
  AND is_identity = 'NO' AND data_type <> 'uuid'
"""


def _set_sequences() -> None:
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


def _connect() -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = NAME


def _mark(people: int) -> str:
    """Name what made the data: other rows or another number of them make it anew."""
    source = Path(__file__).with_name("rows.py").read_bytes()
    return f"{people} {hashlib.sha256(source).hexdigest()[:16]}"


def _mark_of(name: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        )
        row = cursor.fetchone()
    return row[0] if row else None


@contextmanager
def _timed(name: str, say: Callable[[str], None]) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {name}: {time.monotonic() - began:.0f} s")
