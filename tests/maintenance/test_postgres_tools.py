"""The tools of PostgreSQL: the right version is found, and no secret stands where others read."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from mimivibes.maintenance.postgres import tools
from mimivibes.maintenance.postgres.address import Address, BadAddress, direct_address
from mimivibes.maintenance.postgres.tools import NoTools, ToolFailed, find_tools

SECRET = "p@ss/w:rd %"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let programs of these versions be all that is installed."""

    def install(*versions: str) -> None:
        folders = []
        for version in versions:
            folder = tmp_path / version
            folder.mkdir()
            program = folder / "pg_dump"
            program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
            program.chmod(0o755)
            folders.append(folder)
        monkeypatch.setattr(tools, "_folders", lambda: iter(folders))

    return install


@pytest.mark.parametrize(
    ("server", "chosen"), [(150_004, "15.4"), (160_001, "17.2 (Debian 17.2-1)"), (170_000, "17.2")]
)
def test_the_servers_own_version_is_chosen_or_else_the_next(
    installed: Any, server: int, chosen: str
) -> None:
    installed("18.1", "15.4", "17.2")

    assert find_tools(server).version == chosen.partition(" ")[0]


def test_what_later_tools_fail_at_says_which_version_is_the_servers(installed: Any) -> None:
    installed("17.2")
    later = find_tools(150_004)
    (later.folder / "pg_dump").write_text("#!/bin/sh\nexit 1\n")

    with pytest.raises(ToolFailed, match="Install postgresql-client-15"):
        later.dump(Address({"dbname": "x"}), label="x")


def test_without_a_version_that_fits_it_says_which_is_needed(installed: Any) -> None:
    installed("15.4", "14.9")

    with pytest.raises(NoTools, match=r"no pg_dump of version 18 or later.*15\.4.*PG_BIN"):
        find_tools(180_001)


@pytest.mark.django_db
def test_the_tools_of_the_server_that_the_tests_use_are_found() -> None:
    assert find_tools(connection.pg_version).major >= connection.pg_version // 10_000


def test_the_folder_that_is_named_comes_first(settings: Any, tmp_path: Path) -> None:
    settings.PG_BIN = str(tmp_path)

    assert next(tools._folders()) == tmp_path


def test_a_folder_that_is_named_must_have_them(settings: Any, tmp_path: Path) -> None:
    settings.PG_BIN = str(tmp_path)

    with pytest.raises(NoTools, match=f"PG_BIN names {tmp_path}, where there is no pg_dump"):
        find_tools(150_004)


def test_an_address_goes_into_the_environment_and_back_out_of_a_url() -> None:
    address = Address(
        {
            "host": "/run/pg",
            "user": "aree",
            "password": SECRET,
            "dbname": "x y",
            "options": "-c a=b",
        }
    )

    assert address.environment() == {
        "PGHOST": "/run/pg",
        "PGUSER": "aree",
        "PGPASSWORD": SECRET,
        "PGDATABASE": "x y",
        "PGOPTIONS": "-c a=b",
    }
    assert Address.read(address.url()) == address


def test_an_address_that_cannot_be_read_is_not_repeated(settings: Any) -> None:
    settings.DATABASE_DIRECT_URL = f"postgres://aree:{SECRET}@:x:/y"

    with pytest.raises(BadAddress, match="DATABASE_DIRECT_URL cannot be read") as refused:
        direct_address()
    assert "rd" not in str(refused.value).replace("form", "")


@pytest.mark.django_db
def test_a_direct_address_takes_the_place_of_the_pooler(settings: Any) -> None:
    settings.DATABASE_DIRECT_URL = "postgres://aree@db.example.com:5433/referrals"

    assert direct_address().parameters == {
        "user": "aree",
        "host": "db.example.com",
        "port": "5433",
        "dbname": "referrals",
    }
