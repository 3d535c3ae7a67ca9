"""Where the backup of one table lies: a folder that can be carried to another machine.

    table.dump         the table with its indexes, constraints, triggers, owned sequences, rights
    surroundings.dump  the definitions of all else, without data: types and functions it may need
    SHA256SUMS         of both, as sha256sum writes and checks it
    restore.sh ...     what brings back what a step did (`scripts.py`)

Whole rows of people's data are in it, so nobody but its owner may look.
"""

import hashlib
import re
from datetime import datetime
from pathlib import Path

from mimivibes.maintenance.postgres.tables import Table
from mimivibes.maintenance.unused_tables.finding import Refused
from mimivibes.models import UnusedTableBackup

DUMP, SURROUNDINGS, SUMS = "table.dump", "surroundings.dump", "SHA256SUMS"
PURPOSE = "tables"
"""What scratch databases are for in which these backups are proved."""
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def name_of(table: Table, now: datetime) -> str:
    """Return what the folder is called, in letters that any file system and shell takes."""
    name = UNSAFE.sub("-", f"{table.schema}.{table.name}")[:60]
    return f"{name}-{table.oid}-{now:%Y%m%dT%H%M%S.%f}"


def checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_sums(folder: Path) -> str:
    """Write the checksums file; return the sum of the table's dump."""
    sums = {name: checksum(folder / name) for name in (DUMP, SURROUNDINGS)}
    (folder / SUMS).write_text("".join(f"{value}  {name}\n" for name, value in sums.items()))
    return sums[DUMP]


def folder_of(record: UnusedTableBackup, directory: Path | None) -> Path:
    """Return where the backup lies, below `directory` if one is named, once its sum is right.

    Raises `Refused` if it is not there, or is not what was proved.
    """
    known = Path(record.folder)
    folder = directory / known.name if directory else known
    dump = folder / DUMP
    if not dump.is_file():
        raise Refused(
            f"The backup is not at {folder}. It was made by {record.runner}: run this there, or"
            " name the directory that it lies in now by --directory."
        )
    if checksum(dump) != record.checksum:
        raise Refused(f"{dump} is not what was proved: its checksum differs. Take a new backup.")
    return folder
