"""`manage.py`: what an operator is told when the surroundings fail."""

import os
import subprocess
import sys

import pytest

from mimivibes.environment import BASE_DIR


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
