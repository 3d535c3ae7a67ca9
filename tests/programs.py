"""Programs that are no Python packages: `.ci/run` installs them, a developer may do without."""

import os
import shutil

import pytest

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


def needed(name: str) -> str:
    """Return where a program is; without it skip the test, but not where every test must run."""
    found = shutil.which(name, path=PATH)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not on this machine; .ci/run installs it")
    return found or name
