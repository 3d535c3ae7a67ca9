"""unused_tables: whenever it is killed, it has done its step or not, and the next run goes on."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.runs import recorded_run
from mimivibes.maintenance.unused_tables import restoring
from mimivibes.models import UnusedTableBackup
from tests.commands import killed_when, run
from tests.maintenance.scratch import scratch_databases
from tests.maintenance.unused_tables.conftest import Execute

pytestmark = pytest.mark.usefixtures("replaced_system")


class Killed(BaseException):
    """Ends a step where nothing may catch it, as SIGKILL would."""


def dies(*_: Any, **__: Any) -> None:
    raise Killed


def _somebody_waits(execute: Execute) -> bool:
    return bool(execute("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'relation'"))


def test_a_backup_killed_while_it_is_proved_leaves_nothing_after_the_next(
    execute: Execute, where: Path
) -> None:
    is_proving = partial(scratch_databases, "tables")

    killed_when(is_proving, "unused_tables", "backup", "User", "--directory", str(where))
    assert [folder.suffix for folder in where.iterdir()] == [".unfinished"]
    assert not UnusedTableBackup.objects.exists()

    run("unused_tables", "backup", "User")

    assert not is_proving()
    assert [folder.name for folder in where.iterdir()] == [
        Path(UnusedTableBackup.objects.get().folder).name
    ]


def test_a_quarantine_killed_before_its_end_has_not_begun(
    execute: Execute, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("unused_tables", "backup", "readings")
    with monkeypatch.context() as patched:
        patched.setattr(UnusedTableBackup, "save", dies)  # the table is renamed by then
        with pytest.raises(Killed):
            call_command("unused_tables", "quarantine", "readings", "--apply")
    assert execute("TABLE readings") == []

    [told] = run("unused_tables", "quarantine", "readings", "--apply")["tables"]

    assert told["done"].startswith("in quarantine")


def test_a_process_killed_while_it_waits_for_a_table_holds_it_no_longer(
    execute: Execute, where: Path
) -> None:
    """By SIGKILL, with the lock on the table already taken by somebody else."""
    run("unused_tables", "backup", "readings")
    with direct_address().connect() as somebody:
        somebody.execute("SELECT * FROM readings")
        quarantine = ("unused_tables", "quarantine", "readings", "--apply")
        killed_when(partial(_somebody_waits, execute), *quarantine)
    assert UnusedTableBackup.objects.get().quarantined_at is None

    run(*quarantine)

    assert UnusedTableBackup.objects.get().quarantined_at is not None


def test_a_drop_killed_while_it_waits_for_the_table_has_not_begun(
    execute: Execute, where: Path
) -> None:
    run("unused_tables", "backup", "readings")
    run("unused_tables", "quarantine", "readings", "--apply")
    hidden = UnusedTableBackup.objects.get().quarantined_as
    with direct_address().connect() as somebody:
        somebody.execute(f"SELECT * FROM {hidden}".encode())
        drop = ("unused_tables", "drop", "readings", "--days", "0", "--apply")
        killed_when(partial(_somebody_waits, execute), *drop)
    assert execute(f"TABLE {hidden}") == []
    assert UnusedTableBackup.objects.get().dropped_at is None

    [told] = run(*drop)["tables"]

    assert told["done"] == "dropped"


def test_a_restore_killed_before_it_said_so_is_taken_at_its_result(
    execute: Execute, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("unused_tables", "backup", "referral_codes")
    run("unused_tables", "quarantine", "referral_codes", "--apply")
    run("unused_tables", "drop", "--days", "0", "--apply")
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "content", dies)  # the table is back by then
        with pytest.raises(Killed):
            call_command("unused_tables", "restore", "referral_codes")
    assert execute("SELECT count(*) FROM referral_codes") == [(2,)]

    [told] = run("unused_tables", "restore", "referral_codes")["tables"]

    assert told["done"] == "was back already"
    assert UnusedTableBackup.objects.get().restored_at is not None


def test_one_step_goes_at_a_time() -> None:
    with (
        recorded_run("unused_tables", is_dry=False, now=timezone.now()),
        pytest.raises(CommandError, match="unused_tables runs already"),
    ):
        call_command("unused_tables", "backup", "User")
