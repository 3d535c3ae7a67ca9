"""Folders of dumps: whole or not there, nobody else's to read, gone when a run was killed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"


@contextmanager
def unfinished_folder(directory: Path, name: str, *, marker: str) -> Iterator[Path]:
    """Give a folder to fill; `finish` gives it its name. What is not finished is removed.

    `marker` says whose it is, for several databases may be dumped into one directory.
    """
    folder = directory / f"{name}.{marker}{UNFINISHED}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def finish(folder: Path, name: str) -> Path:
    """Write all of it to the disk for good, give it its name, and return that."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        _sync(path)
    _sync(folder)
    finished = folder.with_name(name)
    folder.rename(finished)
    _sync(finished.parent)
    return finished


def remove_unfinished(directory: Path, *, marker: str) -> None:
    """Remove what killed runs left in `directory`; whoever calls it holds the turn of `marker`."""
    for folder in directory.glob(f"*.{marker}{UNFINISHED}"):
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
