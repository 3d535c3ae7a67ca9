"""The large database: made once by bulk SQL, proved, and kept for the runs that follow.

Rows come in the order of their times, as they would have: a year of people, each invited by
somebody earlier (a few by far the most), claims in every state, an old program that ended, browser
sessions that led nowhere. Foreign keys and indexes are taken off for the load and put back after
it, which checks every row; the ledger's triggers are off meanwhile, and `verify_ledger` proves what
they would have.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction

from referrals.services.proof import verify_attributions
from rewards.services import verify_ledger
from tests.bench.big.rows import STAGES
from tests.bench.bulk import connect, set_sequences, timed, without_triggers_and_indexes
from tests.server import fresh_database

NAME = "mimivibes_big"
PEOPLE = 1_000_001
"""Each but the first was invited: a million attributions."""


class NotProved(Exception):
    """The data that was made has faults."""


def prepare(say: Callable[[str], None], *, people: int = PEOPLE) -> None:
    """Connect to the large database; make it if it is not there or was made by other code."""
    if _mark_of(NAME) == _mark(people):
        connect(NAME)
        call_command("migrate", verbosity=0)
        return
    say(f"A database of {people - 1:,} attributions ({NAME}; made once, then kept) ...")
    fresh_database(NAME)
    connect(NAME)
    make(say, people=people)
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE {NAME} IS '{_mark(people)}'")


def make(say: Callable[[str], None], *, people: int) -> None:
    """Fill the connected, empty database; raises `NotProved` if a proof finds a fault."""
    with transaction.atomic():
        with without_triggers_and_indexes(say), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB'")
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            for name, statement in STAGES:
                with timed(name, say):
                    cursor.execute(statement, {"people": people})
        set_sequences()
    with timed("vacuum", say), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    with timed("proof", say):
        faults = [*verify_ledger(), *verify_attributions()]
    if faults:
        raise NotProved(f"{len(faults)} faults, the first: {faults[0]}")


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
