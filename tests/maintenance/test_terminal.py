"""How far a long command is shows on a terminal, and nowhere else."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from mimivibes.maintenance import drill
from tests.commands import shown_on_a_terminal

pytestmark = pytest.mark.django_db(transaction=True)
LONG = ["backup_drill", "cleanup_captures", "verify_ledger"]


@pytest.fixture(autouse=True)
def _quick_drill(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BACKUP_DIRECTORY = str(tmp_path)
    monkeypatch.setattr(drill, "_complaints", lambda copy: [])


def test_a_drill_shows_each_step_and_how_many_tables_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on_a_terminal(monkeypatch, "backup_drill")

    assert {"dump", "original", "restore", "copy", "proof"} <= set(shown.split())
    assert len(set(re.findall(r"(\d+) of \1 tables", shown))) == 1


def test_a_proof_shows_how_many_checks_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_a_terminal(monkeypatch, "verify_ledger")

    assert re.search(r"ledger .* (\d+) of \1 checks", shown)
    assert re.search(r"attributions .* 1 of 1 check", shown)


def test_a_backup_of_tables_shows_how_many_are_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_things (id int)")

        shown = shown_on_a_terminal(monkeypatch, "unused_tables", "backup", "old_things")

        cursor.execute("DROP TABLE old_things")
    assert re.search(r"proved .* 1 of 1 tables", shown)


@pytest.mark.parametrize("name", LONG)
def test_a_pipe_gets_nothing_but_the_report(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    call_command(name)

    out, shown = capfd.readouterr()
    assert (shown, "\x1b" in out) == ("", False)


@pytest.mark.parametrize("name", LONG)
def test_whoever_asks_for_json_gets_it_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_on_a_terminal(monkeypatch, name, "--json") == ""
