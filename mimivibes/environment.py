"""Read the environment: `.env` beside `manage.py`, then the process's own variables on top.

`ENV_FILE` names another file than `.env`. Any variable `X` may instead come from the file that
`X_FILE` names, as Docker, Kubernetes and systemd hand out secrets.
"""

import os
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
POSTGRESQL = "django.db.backends.postgresql"
SWITCHES = {"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0"}


class Environment(environ.Env):  # type: ignore[misc]  # it has no types
    """An empty variable, as in a fresh copy of `.env.example`, counts as one that is not set.

    What cannot be read is `ImproperlyConfigured`, which names it; a misspelt switch is not off. A
    value is what it says: one that begins with `$` is no other variable's, for secrets may.
    """

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        text = self._text(var)
        if not text:
            if default is self.NOTSET:
                raise ImproperlyConfigured(f"{var} is not set.")
            return default
        if cast is bool and text.strip().lower() not in SWITCHES:
            raise ImproperlyConfigured(f"{var} is neither true nor false.")
        if cast is list:  # a space after a comma belongs to no host and to no origin
            return [part for each in text.split(",") if (part := each.strip())]
        try:
            return self.parse_value(text, cast)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error

    def db_url(self, var: str, default: Any = environ.Env.NOTSET, engine: Any = None) -> Any:
        refusal = ImproperlyConfigured(
            f"{var} is no address of a PostgreSQL: postgres://user:password@host:5432/database,"
            " with special characters percent-encoded."
        )
        try:
            with warnings.catch_warnings(action="ignore"):  # both may quote a piece of the password
                url = super().db_url(var, default, engine)
        except ValueError:
            raise refusal from None
        if url["ENGINE"] != POSTGRESQL:
            raise refusal
        return url

    def one_of(self, var: str, known: Collection[str], *, default: str) -> str:
        """Return a value that must be one of those known."""
        if (value := str(self(var, default=default))) not in known:
            raise ImproperlyConfigured(f"{var} is {value!r}, not one of {', '.join(known)}.")
        return value

    def directory(self, var: str) -> str:
        """Return a directory, made if it is not there; "" if none is named."""
        name = str(self(var, default=""))
        try:
            if name:
                Path(name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImproperlyConfigured(
                f"{var} names {name}, which cannot be made a directory: {error.strerror}."
            ) from error
        return name

    def time_zone(self, var: str, *, default: str) -> str:
        """Return the name of a time zone, such as Asia/Bangkok."""
        name = str(self(var, default=default))
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ImproperlyConfigured(
                f"{var} is {name!r}, which is no time zone, such as Asia/Bangkok."
            ) from None
        return name

    def _text(self, var: str) -> str:
        text, file = self.ENVIRON.get(var, ""), self.ENVIRON.get(f"{var}_FILE", "")
        if text and file:
            raise ImproperlyConfigured(f"Both {var} and {var}_FILE are set; unset one of them.")
        return _content(f"{var}_FILE", Path(file)) if file else str(text)


def _content(variable: str, path: Path) -> str:
    """Return what the file says, without the line break that editors and `echo` put at its end."""
    try:
        content = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ImproperlyConfigured(
            f"{variable} names {path}, which cannot be read: {reason}."
        ) from error
    if not content:
        raise ImproperlyConfigured(f"{variable} names {path}, which is empty.")
    return content


def _env_file() -> Path:
    """Return the file to read; one that is named must be there, though it may be empty."""
    if not (named := os.environ.get("ENV_FILE")):
        return BASE_DIR / ".env"
    try:
        Path(named).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(
            f"ENV_FILE names {named}, which cannot be read: {error.strerror}."
        ) from error
    return Path(named)


env = Environment()
env.read_env(_env_file())


def pem(value: str) -> str:
    """Return a PEM key whose line breaks may have been written as a literal backslash and n."""
    return value.replace("\\n", "\n").strip()


def words(value: str) -> list[str]:
    """Split a list written with commas or spaces."""
    return value.replace(",", " ").split()
