"""Read the environment: `.env` beside `manage.py`, then the process's own variables on top.

`ENV_FILE` names another file than `.env`.
"""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
SWITCHES = {"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0"}


class Environment(environ.Env):  # type: ignore[misc]  # it has no types
    """An empty variable, as in a fresh copy of `.env.example`, counts as one that is not set.

    What cannot be read is `ImproperlyConfigured`, which names it; a misspelt switch is not off.
    """

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        if default is not self.NOTSET and not self.ENVIRON.get(var):
            return default
        if cast is bool and str(self.ENVIRON.get(var, "")).strip().lower() not in SWITCHES:
            raise ImproperlyConfigured(f"{var} is neither true nor false.")
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error


env = Environment()
env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))


def pem(value: str) -> str:
    """Return a PEM key whose line breaks may have been written as a literal backslash and n."""
    return value.replace("\\n", "\n").strip()


def words(value: str) -> list[str]:
    """Split a list written with commas or spaces."""
    return value.replace(",", " ").split()
