"""The benchmarks are not run with the tests; what they use of the tests must be there."""

import importlib
import pkgutil

import pytest

import tests.bench

MODULES = [
    module.name
    for module in pkgutil.walk_packages(tests.bench.__path__, "tests.bench.")
    if not module.name.endswith(("__main__", "settings"))
]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_the_benchmarks_can_be_imported(name: str) -> None:
    assert importlib.import_module(name)
