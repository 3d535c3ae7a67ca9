"""The real app server in a process of its own, for tests that speak HTTP or drive a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

import httpx
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
GRANIAN = str(Path(sys.executable).with_name("granian"))
PRODUCTION = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
DEVELOPMENT = {"DJANGO_SETTINGS_MODULE": "mimivibes.settings", "DEBUG": "true"}
PRISTINE = pytest.StashKey[str]()
"""The copy that is made of the tests' database before the first test, if any is in a browser."""
SECONDS_TO_START = 30
SECONDS_TO_STOP = 10


def database_url(name: str) -> str:
    """Return the `DATABASE_URL` of database `name` on the server that the tests use."""
    database = settings.DATABASES["default"]
    user = ":".join(quote(database[key], safe="") for key in ("USER", "PASSWORD") if database[key])
    host, port = database["HOST"], database["PORT"]
    if host.startswith("/"):
        return f"postgres://{user}@/{name}?{urlencode({'host': host})}"
    return f"postgres://{user}@{host or 'localhost'}:{port or 5432}/{name}"


def fresh_database(name: str) -> str:
    """Make (again) an empty database `name`, bring its tables up to date, return its address."""
    copied_database(name, of="template1")
    manage("migrate", "--verbosity", "0", env={**PRODUCTION, "DATABASE_URL": database_url(name)})
    return database_url(name)


def copied_database(name: str, *, of: str) -> str:
    """Make (again) database `name` as a copy of another, to which nobody is connected."""
    copy, original = sql.Identifier(name), sql.Identifier(of)
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(copy))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, original))
    return database_url(name)


def manage(*arguments: str, env: Mapping[str, str]) -> str:
    """Run a management command in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=_environment(env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running_server(
    env: Mapping[str, str],
    *,
    port: int | None = None,
    workers: int = 1,
    output: IO[bytes] | None = None,
) -> Iterator[str]:
    """Serve the project as `make serve` does; give its base address once it answers.

    `env` is `PRODUCTION` or `DEVELOPMENT` with a `DATABASE_URL`, and what else a test wants. The
    port is in its `PORT`, so that `APP_URL` follows in development. What is printed goes to
    `output`.
    """
    port = port or free_port()
    base_url = f"http://localhost:{port}"
    process = subprocess.Popen(
        [
            *(GRANIAN, "--interface", "wsgi", "--workers", str(workers)),
            *("--blocking-threads", "2", "--respawn-failed-workers"),
            *("--http", "1", "--no-ws", "--host", "127.0.0.1", "--port", str(port)),
            *("--log-config", "deploy/granian-logging.json"),
            *("--log-level", "warning", "mimivibes.wsgi:application"),
        ],
        cwd=ROOT,
        env={**_environment(env), "PORT": str(port)},
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        _wait_until_alive(base_url, process)
        yield base_url
    finally:
        stop(process)


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    # tests.settings has put its own values into this process's environment: they are not the
    # child's, which reads its settings afresh.
    ours = ("CLERK_", "METRICS_", "THROTTLE_", "CORS_", "APP_URL", "ALLOWED_HOSTS", "SECRET_KEY")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith((*ours, "DEBUG"))}
    return {**inherited, **env}


def _wait_until_alive(base_url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    client = httpx.Client(verify=False, timeout=1, trust_env=False)
    while time.monotonic() < deadline:
        assert process.poll() is None, f"The server stopped with status {process.returncode}."
        try:
            client.get(f"{base_url}/livez").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{base_url}/livez did not answer within {SECONDS_TO_START} s.")


def stop(process: "subprocess.Popen[Any]") -> None:
    """Stop a server that leads a session of its own, with all that it started.

    A worker that it was just replacing when it was told to end may outlive it.
    """
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
