"""PgBouncer in transaction mode before the test server, if it is installed (`apt install`)."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.programs import PATH
from tests.server import free_port

SECONDS_TO_START = 10


@contextmanager
def running(folder: Path, address: str) -> Iterator[str]:
    """Give the address of the same database behind PgBouncer, or `address` without one."""
    found = shutil.which("pgbouncer", path=PATH)
    if found is None:
        yield address
        return
    database, port = settings.DATABASES["default"], free_port()
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = {_login(database)}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 10\n"
        "ignore_startup_parameters = options\n"
    )
    process = subprocess.Popen(
        [found, "--quiet", *_as_somebody(database["HOST"], config), str(config)],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"postgres://{database['USER']}@127.0.0.1:{port}/{database['NAME']}"
    finally:
        process.terminate()
        process.wait()


def _login(database: dict[str, Any]) -> str:
    facts = {
        "host": database["HOST"] or "localhost",
        "port": database["PORT"] or 5432,
        "user": database["USER"],
        "password": database["PASSWORD"],
    }
    return " ".join(f"{name}={value}" for name, value in facts.items() if value)


def _as_somebody(host: str, config: Path) -> list[str]:
    """It refuses to run as root; whoever owns the server's socket may use that."""
    if os.getuid() != 0:
        return []
    name = pwd.getpwuid(Path(host).stat().st_uid).pw_name if host.startswith("/") else "nobody"
    for path in (config.parent, config):
        shutil.chown(path, name)
    return ["--user", name]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"PgBouncer did not start within {SECONDS_TO_START} s.")
