"""Settings from the environment and `.env`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mimivibes.environment import BASE_DIR, Environment

PutInFile = Callable[[str, str], None]


@pytest.fixture
def put_in_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PutInFile:
    """Write a variable's value into a file, and name that by the variable with `_FILE`."""

    def put(variable: str, content: str) -> None:
        (tmp_path / variable).write_bytes(content.encode())
        monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / variable))

    return put


@pytest.mark.parametrize(
    ("cast", "default"), [("str", "kept"), ("int", 8000), ("bool", True), ("list", ["kept"])]
)
def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, cast: str, default: Any
) -> None:
    monkeypatch.setenv("NOTHING_IN_IT", "")

    assert getattr(Environment(), cast)("NOTHING_IN_IT", default=default) == default


def test_a_list_is_read_however_it_is_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", " a.example.com, b.example.com ,,")

    assert Environment().list("HOSTS") == ["a.example.com", "b.example.com"]


@pytest.mark.parametrize(
    ("cast", "value"), [("int", "many"), ("bool", "perhaps"), ("bool", "ture"), ("bool", "2")]
)
def test_what_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, cast: str, value: str
) -> None:
    monkeypatch.setenv("SOMETHING_IN_IT", value)

    with pytest.raises(ImproperlyConfigured, match="SOMETHING_IN_IT"):
        getattr(Environment(), cast)("SOMETHING_IN_IT", default=None)


def test_a_database_address_that_cannot_be_read_is_named_and_its_password_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_DATABASE", "postgres://nok:hu/sh@db.example.com/referrals")

    with pytest.raises(ImproperlyConfigured, match="SOME_DATABASE is no address") as refusal:
        Environment().db_url("SOME_DATABASE")
    assert "hu" not in str(refusal.value)
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize("url", ["mysql://nok:hush@db/referrals", "nok:hush", "sqlite:///x"])
def test_an_address_of_something_else_than_postgresql_is_refused(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, url: str
) -> None:
    """Django would ask for the other engine's driver, and a warning would quote the address."""
    monkeypatch.setenv("SOME_DATABASE", url)

    with pytest.raises(ImproperlyConfigured, match="SOME_DATABASE is no address of a PostgreSQL"):
        Environment().db_url("SOME_DATABASE")
    assert not recwarn.list


@pytest.mark.parametrize("name", ["Mars/Base", "../etc/passwd", "/etc/localtime", "Asia"])
def test_what_is_no_time_zone_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("A_ZONE", name)

    with pytest.raises(ImproperlyConfigured, match=f"A_ZONE is '{name}', which is no time zone"):
        Environment().time_zone("A_ZONE", default="UTC")


def test_a_time_zone_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_ZONE", "Asia/Bangkok")

    assert Environment().time_zone("A_ZONE", default="UTC") == "Asia/Bangkok"


def test_a_directory_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_DIRECTORY", "/proc/metrics")

    with pytest.raises(ImproperlyConfigured, match="A_DIRECTORY names /proc/metrics, which cannot"):
        Environment().directory("A_DIRECTORY")


def test_a_value_that_is_not_one_of_those_known_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_LEVEL", "loud")

    with pytest.raises(ImproperlyConfigured, match="A_LEVEL is 'loud', not one of INFO, ERROR"):
        Environment().one_of("A_LEVEL", ["INFO", "ERROR"], default="INFO")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENV_FILE", "/nowhere/environment"),
        ("TIME_ZONE", "Mars/Base"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_REPLICA_URL", "mysql://db/referrals"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(variable: str, value: str) -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mimivibes.settings",
            "DATABASE_URL": "postgres://nobody@localhost/x",
            variable: value,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert told.stderr.startswith(f"{variable} ")
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(("value", "read"), [("True", True), ("on", True), ("0", False)])
def test_a_switch_is_read(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("A_SWITCH", value)

    assert Environment().bool("A_SWITCH", default=not read) is read


@pytest.mark.parametrize("written", ["p$ss=word", "p$ss=word\n", "p$ss=word\r\n"])
def test_a_secret_comes_from_a_file(put_in_file: PutInFile, written: str) -> None:
    put_in_file("A_SECRET", written)

    assert Environment()("A_SECRET", default="") == "p$ss=word"


def test_line_breaks_within_a_file_stay(put_in_file: PutInFile) -> None:
    put_in_file("A_KEY", "-----BEGIN\nof a key\nEND-----\n")

    assert Environment()("A_KEY", default="") == "-----BEGIN\nof a key\nEND-----"


def test_a_file_is_read_as_the_variable_would_be(put_in_file: PutInFile) -> None:
    put_in_file("SOME_DATABASE", "postgres://nok:hush@db.example.com:6432/referrals\n")
    put_in_file("A_NUMBER", "12\n")

    assert Environment().db_url("SOME_DATABASE")["PASSWORD"] == "hush"
    assert Environment().int("A_NUMBER", default=0) == 12


def test_an_empty_variable_leaves_it_to_the_file(
    monkeypatch: pytest.MonkeyPatch, put_in_file: PutInFile
) -> None:
    put_in_file("A_SECRET", "from the file")
    monkeypatch.setenv("A_SECRET", "")

    assert Environment()("A_SECRET", default="") == "from the file"


def test_a_variable_and_its_file_are_one_too_many(
    monkeypatch: pytest.MonkeyPatch, put_in_file: PutInFile
) -> None:
    put_in_file("A_SECRET", "hush")
    monkeypatch.setenv("A_SECRET", "hush, too")

    with pytest.raises(ImproperlyConfigured, match="Both A_SECRET and A_SECRET_FILE") as refusal:
        Environment()("A_SECRET", default="")
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "no UTF-8"),
    ],
)
def test_a_file_that_gives_nothing_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("A_SECRET_FILE", str(path))

    with pytest.raises(ImproperlyConfigured, match=f"A_SECRET_FILE names {path}.*{reason}"):
        Environment()("A_SECRET", default="kept")


def test_a_directory_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_SECRET_FILE", str(tmp_path))

    with pytest.raises(ImproperlyConfigured, match=r"A_SECRET_FILE .* directory"):
        Environment()("A_SECRET", default="kept")


def test_a_value_that_begins_with_a_dollar_is_no_other_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SECRET", "$HOME-made")

    assert Environment()("A_SECRET", default="") == "$HOME-made"


def test_the_example_with_debug_on_needs_nothing_filled_in() -> None:
    """As its first lines promise."""
    example = (BASE_DIR / ".env.example").read_text()
    filled = [line.split("=", 1) for line in example.splitlines() if "=" in line and line[0] != "#"]
    environment = {**dict(filled), "DEBUG": "true", "DATABASE_URL": "postgres://nobody@localhost/x"}
    code = "from django.conf import settings as s; print(s.SECRET_KEY and s.APP_URL)"

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env={**environment, "DJANGO_SETTINGS_MODULE": "mimivibes.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.stdout.strip() == "http://localhost:8000", told.stderr
