from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.legacy.old_world import OldWorld, old_world
from tests.server import database_url

PEOPLE = 60


@pytest.fixture(scope="session")
def world() -> OldWorld:
    return old_world(people=PEOPLE, odd=2)


@pytest.fixture(scope="session")
def source(django_db_setup: None, world: OldWorld) -> Iterator[str]:
    """The replaced system's database, which nobody writes to; its address."""
    with new_source("source") as url:
        world.load(url)
        yield url


@pytest.fixture
def own_source(django_db_setup: None) -> Iterator[str]:
    """An empty database for a test to fill, and to change, as it likes."""
    with new_source("own_source") as url:
        yield url


class new_source:
    """A database beside the one of the tests, dropped at the end."""

    def __init__(self, suffix: str) -> None:
        self._name = f"{settings.DATABASES['default']['NAME']}_{suffix}"

    def __enter__(self) -> str:
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._do("CREATE DATABASE {}")
        return database_url(self._name)

    def __exit__(self, *error: Any) -> None:
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._name)))  # type: ignore[arg-type]
