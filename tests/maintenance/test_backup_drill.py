"""backup_drill: a dump is restored elsewhere, compared and proved; nothing of it stays."""

import json
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mimivibes.maintenance import drill
from mimivibes.maintenance.postgres.address import Address, direct_address
from mimivibes.maintenance.runs import recorded_run
from mimivibes.models import CommandRun
from tests.commands import killed_when, run
from tests.maintenance import scratch
from tests.people import Browser, Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def where(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which dumps are made, for processes of their own too."""
    settings.BACKUP_DIRECTORY = str(tmp_path)
    return tmp_path


scratch_databases = partial(scratch.scratch_databases, "drill")


def drilled() -> dict[str, Any]:
    """Run a drill that finds faults; return what it told."""
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("backup_drill", "--json", stdout=out)
    assert stopped.value.code == 1
    return dict(json.loads(out.getvalue()))


def test_a_backup_with_a_ledger_in_it_is_proved(nok: Person, where: Path) -> None:
    Browser().sign_in(nok).me()

    told = run("backup_drill", "--contents")

    assert told["proven"] is True
    assert told["faults"] == []
    assert told["rows"] > 0
    assert told["ready_after_seconds"] >= told["seconds"]["restore"] > 0
    assert (scratch_databases(), list(where.iterdir())) == ([], [])
    record = CommandRun.objects.get()
    assert (record.command, record.outcome) == ("backup_drill", "done")
    assert record.report["proven"] is True


def test_the_dump_can_be_kept(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_complaints", lambda copy: [])

    kept = Path(run("backup_drill", "--keep", str(where / "kept"))["kept_in"])

    assert (kept / "database.dump" / "toc.dat").is_file()
    assert kept.stat().st_mode & 0o077 == 0


def test_what_is_lost_on_the_way_is_named(nok: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    Browser().sign_in(nok).me()
    restore = drill._restore

    def lossy(*arguments: Any) -> None:
        restore(*arguments)
        with arguments[-1].connect() as copy:
            copy.execute("ALTER TABLE rewards_entry DISABLE TRIGGER USER")
            copy.execute("DELETE FROM rewards_entry WHERE id = (SELECT min(id) FROM rewards_entry)")
            copy.execute("DELETE FROM django_migrations WHERE app = 'rewards'")

    monkeypatch.setattr(drill, "_restore", lossy)
    told = drilled()

    assert told["proven"] is False
    faults = "\n".join(told["faults"])
    assert 'table "public"."rewards_entry"' in faults
    assert "ledger entries free_points: 1 in the copy, 2 in the original" in faults
    assert "migrations are missing in the copy" in faults
    assert "verify_ledger found" in faults
    assert CommandRun.objects.get().outcome == "failed"
    assert scratch_databases() == []


def test_what_is_written_meanwhile_is_neither_in_the_dump_nor_a_difference(
    nok: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "_complaints", lambda copy: [])
    restore = drill._restore

    def late(*arguments: Any) -> None:
        Browser().sign_in(nok).me()
        restore(*arguments)

    monkeypatch.setattr(drill, "_restore", late)

    assert run("backup_drill", "--contents")["faults"] == []


def test_one_drill_goes_at_a_time() -> None:
    with (
        recorded_run("backup_drill", is_dry=False, now=timezone.now()),
        pytest.raises(CommandError, match="backup_drill runs already"),
    ):
        call_command("backup_drill")


def test_a_drill_that_was_killed_leaves_nothing_after_the_next(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_DIRECTORY", str(where))
    killed_when(scratch_databases, "backup_drill")
    assert len(scratch_databases()) == 1
    assert list(where.iterdir()) != []

    monkeypatch.setattr(drill, "_complaints", lambda copy: [])
    assert run("backup_drill")["proven"] is True

    assert (scratch_databases(), list(where.iterdir())) == ([], [])
    outcomes = CommandRun.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["killed", "done"]


def test_a_password_does_not_stand_on_the_command_line() -> None:
    with pytest.raises(CommandError, match="put its password into PGPASSWORD"):
        call_command("backup_drill", "--into", "postgres://aree:secret@localhost/postgres")


def test_the_copy_can_be_made_on_a_server_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_complaints", lambda copy: [])
    server = dict(direct_address().of("postgres").parameters)
    monkeypatch.setenv("PGPASSWORD", server.pop("password", ""))

    assert run("backup_drill", "--into", Address(server).url())["proven"] is True
