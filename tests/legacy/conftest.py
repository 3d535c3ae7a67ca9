from collections.abc import Iterator
from contextlib import contextmanager

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
    """Give the address of the replaced system's database, to which no test writes."""
    with new_source("source") as url:
        world.load(url)
        yield url


@pytest.fixture(scope="session")
def spare_source(django_db_setup: None) -> Iterator[str]:
    with new_source("own_source") as url:
        yield url


@pytest.fixture
def own_source(spare_source: str) -> str:
    """Return the address of an empty database, for a test to fill as it likes."""
    with psycopg.connect(spare_source) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return spare_source


@contextmanager
def new_source(suffix: str) -> Iterator[str]:
    """Make a database beside that of the tests, and drop it at the end."""
    name = f"{settings.DATABASES['default']['NAME']}_{suffix}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield database_url(name)
        connection.execute(drop)
