"""`manage.py`: what an operator is told when the surroundings fail."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from mimivibes.environment import BASE_DIR
from tests.commands import started


@pytest.mark.parametrize("command", ["migrate", "verify_ledger", "release_rewards"])
def test_a_database_that_cannot_be_reached_is_one_sentence(command: str) -> None:
    url = "postgres://nobody:hush@127.0.0.1:1/x"

    told = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert told.stderr.startswith("The database cannot be reached: ")
    assert "Traceback" not in told.stderr
    assert "hush" not in told.stderr


def test_a_command_leaves_no_counters_among_those_of_the_server(tmp_path: Path) -> None:
    """The image names the directory for all that runs in it; the schedule would fill it up."""
    told = started("log_user", "user_2abc", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))

    told.communicate()

    assert told.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def table_away(transactional_db: None) -> Iterator[None]:
    """Put a table away, as it is away before the migration that makes it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rewards_ledgerproof RENAME TO away")
        yield
        cursor.execute("ALTER TABLE away RENAME TO rewards_ledgerproof")


@pytest.mark.usefixtures("table_away")
def test_a_table_that_is_missing_is_one_sentence() -> None:
    told, traced = started("verify_ledger"), started("verify_ledger", "--traceback")

    (_, sentence), (_, trace) = told.communicate(), traced.communicate()

    assert (told.returncode, traced.returncode) == (1, 1)
    assert sentence == (
        'The database is not up to date (relation "rewards_ledgerproof" does not exist):'
        " run `manage.py migrate` first.\n"
    )
    assert "Traceback" in trace


@pytest.fixture
def as_somebody_else(transactional_db: None) -> Iterator[None]:
    """Let whoever connects from now on be somebody who may read no table."""
    with connection.cursor() as cursor:
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {database} SET role TO pg_monitor")
        yield
        cursor.execute(f"ALTER DATABASE {database} RESET role")


@pytest.mark.usefixtures("as_somebody_else")
def test_a_right_that_is_missing_is_one_sentence() -> None:
    told = started("verify_ledger")

    _, sentence = told.communicate()

    assert told.returncode == 1
    assert sentence.startswith("The user in DATABASE_URL may not do this (permission denied for")
    assert "Traceback" not in sentence
