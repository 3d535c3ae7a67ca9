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

from django.conf import settings

from tests.server import free_port

SECONDS_TO_START = 10


def program() -> str | None:
    """Return where PgBouncer is, if it is installed."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def running(folder: Path, address: str) -> Iterator[str]:
    """Give the address of the same database behind PgBouncer, or `address` without one."""
    found = program()
    if found is None:
        yield address
        return
    database, port = settings.DATABASES["default"], free_port()
    config = folder / "pgbouncer.ini"
    config.write_text(
        "[databases]\n"
        f"* = host={database['HOST']} port={database['PORT'] or 5432} user={database['USER']}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 10\n"
        "ignore_startup_parameters = options\n"
    )
    folder.chmod(0o755)
    process = subprocess.Popen(
        [found, "--quiet", *_as_somebody(database["HOST"]), str(config)],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"postgres://{database['USER']}@127.0.0.1:{port}/{database['NAME']}"
    finally:
        process.terminate()
        process.wait()


def _as_somebody(socket_dir: str) -> list[str]:
    """It refuses to run as root, and whoever owns the server's socket may use it."""
    if os.getuid() != 0:
        return []
    return ["--user", pwd.getpwuid(Path(socket_dir).stat().st_uid).pw_name]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"PgBouncer did not start within {SECONDS_TO_START} s.")
