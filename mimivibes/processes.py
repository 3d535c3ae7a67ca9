"""Processes: what this one is called on record, and how another runs one of our commands."""

import os
import socket
import sys
from collections.abc import Sequence

from mimivibes.environment import BASE_DIR


def this_process() -> str:
    """Return the machine and the process, by which operators find it."""
    return f"{socket.gethostname()}, process {os.getpid()}"


def manage(words: Sequence[str]) -> list[str]:
    """Return the command line of a management command in this very environment."""
    return [sys.executable, str(BASE_DIR / "manage.py"), *words]
