"""The embedded PostgreSQL: found again after a kill, stopped by the last to leave."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mimivibes import embedded_postgres
from mimivibes.environment import BASE_DIR

USE = """
import sys, time
from pathlib import Path
import psycopg
from mimivibes import embedded_postgres
found = embedded_postgres.database(Path(sys.argv[1]), "mimivibes")
with psycopg.connect(host=found["HOST"], user=found["USER"], dbname=found["NAME"]) as connection:
    print(connection.info.backend_pid > 0, flush=True)
time.sleep(float(sys.argv[2]))
"""


def use(data_dir: Path, *, seconds: float) -> "subprocess.Popen[str]":
    """Start a process that uses the server and stays for some seconds; return it when it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(data_dir), str(seconds)],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    return process


def test_what_a_killed_process_left_is_joined_and_then_stopped(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    killed = use(data_dir, seconds=60)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    postmaster = data_dir / "postmaster.pid"
    left = postmaster.read_text().splitlines()[0]

    second = use(data_dir, seconds=1)

    assert postmaster.read_text().splitlines()[0] == left
    assert second.wait() == 0
    assert not postmaster.exists()


def test_what_cannot_start_is_told_in_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("not a directory")

    with pytest.raises(ImproperlyConfigured, match=r"did not start .* DATABASE_URL") as raised:
        embedded_postgres.database(tmp_path / "postgres", "mimivibes")

    assert "\n" not in str(raised.value)
