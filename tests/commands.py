"""Run commands as operators do, in this process and in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from rich.console import Console

from mimivibes.maintenance import terminal
from tests.server import PRODUCTION, ROOT, database_url
from tests.waiting import until


def run(*arguments: str) -> dict[str, Any]:
    """Run a command in this process with `--json`; return its report."""
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run a command as if on a terminal; return what was shown there of how far it is."""
    shown = StringIO()
    console = Console(force_terminal=True, file=shown, width=100)
    monkeypatch.setattr(terminal, "Console", lambda stderr: console)
    call_command(*arguments, stdout=StringIO())
    return shown.getvalue()


def started(*arguments: str, **env: str) -> "subprocess.Popen[str]":
    """Start a command in a process of its own, on the test database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            **PRODUCTION,
            "DATABASE_URL": database_url(settings.DATABASES["default"]["NAME"]),
            **env,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_when(is_so: Callable[[], object], *arguments: str, **env: str) -> None:
    """Start a command in a process of its own, and kill it as soon as something is so."""
    process = started(*arguments, **env)
    until(is_so, process)
    kill(process)


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a command, and wait until the server has noticed and given its turn away."""
    process.kill()
    process.communicate()
    until(_no_turn_is_taken)


def _no_turn_is_taken() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
            " AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])
