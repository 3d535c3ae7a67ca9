"""Where backups are made and proved: a source, tools, a directory of dumps, scratch databases."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import psycopg

from mimivibes.maintenance.postgres.address import Address, BadAddress
from mimivibes.maintenance.postgres.dumps import remove_unfinished, unfinished_folder
from mimivibes.maintenance.postgres.scratch import MayNotCreateDatabases, Scratch, scratch_of
from mimivibes.maintenance.postgres.tools import NoTools, ToolFailed, Tools, tools_for


class DirectoryUnusable(Exception):
    """The directory for backups cannot be made, or not be written to."""


FAILURES: tuple[type[Exception], ...] = (
    *(BadAddress, NoTools, ToolFailed, MayNotCreateDatabases, DirectoryUnusable),
    *(OSError, psycopg.OperationalError),  # e.g. a full disk, a server that does not answer
)
"""What may keep a backup from being made or proved; the message tells the operator what to do."""
# Roles and tablespaces are the server's: `pg_dumpall --globals-only` has them.
WITHOUT_ROLES = (
    *("--no-owner", "--no-privileges", "--no-tablespaces"),
    *("--no-publications", "--no-subscriptions", "--no-security-labels"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """What is dumped, with what, where to, and where that is proved."""

    source: Address
    tools: Tools
    scratch: Scratch
    directory: Path

    def folder(self, name: str) -> AbstractContextManager[Path]:
        """Give a folder to fill, which is removed unless it is finished (`dumps.py`)."""
        return unfinished_folder(self.directory, name, marker=self.scratch.marker)

    def dump(self, *arguments: str) -> None:
        """Run pg_dump on the source. Raises `ToolFailed`."""
        self.tools.dump(self.source, *arguments, label=self.scratch.marker)

    def restore_a_copy(self, copy: Address, *arguments: str) -> None:
        """Run pg_restore into a scratch database. Raises `ToolFailed`."""
        self.tools.restore(copy, *WITHOUT_ROLES, *arguments, label=self.scratch.marker)


def prepare(
    source: Address, directory: Path, *, purpose: str, server: Address | None = None
) -> Place:
    """Find the tools, and remove what killed runs for this purpose left.

    Scratch databases are made on the source's own server, or on another. Raises `NoTools`,
    `DirectoryUnusable`.
    """
    directory = directory.absolute()
    scratch = scratch_of(source, purpose=purpose, server=server)
    tools = tools_for(source)
    _make(directory)
    scratch.remove_leftovers()
    remove_unfinished(directory, marker=scratch.marker)
    return Place(source, tools, scratch, directory)


def _make(directory: Path) -> None:
    """Make the directory if it is not there, and see that it can be written to."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise DirectoryUnusable(
            f"No backup can be written to {directory}: {error.strerror}. Make it a directory that"
            f" the user with the id {os.geteuid()} may write to, or name another: in"
            " BACKUP_DIRECTORY, or by the option of this command."
        ) from error
