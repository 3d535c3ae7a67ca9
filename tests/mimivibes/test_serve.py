"""`deploy/serve`, by which `make serve`, the container and systemd serve: the script as it is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from tests.server import PRODUCTION, ROOT, SECONDS_TO_START, database_url, free_port, stop
from tests.waiting import until

PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
WORKERS = 2
OF_EARLIER = "counter_1.db"
"""What a process that is no more has counted, which is not this server's."""


@dataclass
class Server:
    """What the container runs when it is told nothing else."""

    process: "subprocess.Popen[str]"
    port: int
    log: Path

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def has_started(self, workers: int) -> bool:
        """Tell whether so many workers have ever come to serve."""
        return self.log.read_text().count('"Started worker-') == workers

    def is_healthy(self) -> bool:
        """Ask as the container's health check does."""
        asked = subprocess.run(
            ["deploy/alive"],
            cwd=ROOT,
            env={"PATH": PATH, "PORT": str(self.port)},
            capture_output=True,
            check=False,
        )
        return asked.returncode == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port, log, metrics = free_port(), tmp_path / "log", tmp_path / "metrics"
    metrics.mkdir()
    (metrics / OF_EARLIER).touch()
    with log.open("w") as output:
        process = subprocess.Popen(
            ["deploy/enter"],
            cwd=ROOT,
            env={
                **os.environ,
                **PRODUCTION,
                "DATABASE_URL": database_url(settings.DATABASES["default"]["NAME"]),
                "PATH": PATH,
                "PORT": str(port),
                "WEB_WORKERS": str(WORKERS),
                "LISTEN_ADDRESS": "127.0.0.1",
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            },
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    yield Server(process, port, log)
    stop(process)


def test_a_worker_that_dies_is_replaced_and_sigterm_ends_it_well(server: Server) -> None:
    until(lambda: server.has_started(WORKERS), server.process)
    assert server.is_healthy()
    assert not (server.log.parent / "metrics" / OF_EARLIER).exists()

    server.workers[0].kill()
    until(lambda: server.has_started(WORKERS + 1), server.process)
    assert len(server.workers) == WORKERS
    assert server.is_healthy()

    server.process.terminate()
    assert server.process.wait(SECONDS_TO_START) == 0
    assert not server.is_healthy()


def test_with_an_unsafe_setting_it_does_not_start_and_names_it(tmp_path: Path) -> None:
    done = subprocess.run(
        ["deploy/serve"],
        cwd=ROOT,
        env={
            "PATH": PATH,
            "ENV_FILE": os.devnull,
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
            "PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_TO_START,
    )

    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
