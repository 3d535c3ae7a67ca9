"""A directory where no backup can be written is named, before anything is dumped."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from mimivibes.maintenance.postgres.place import Place
from mimivibes.models import CommandRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["a file is there", "it cannot be made", "it cannot be written to"])
def bad_directory(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Path:
    """Root may write anywhere but below a file, and in what the kernel shows as files."""
    (tmp_path / "file").touch()
    bad = {
        "a file is there": tmp_path / "file",
        "it cannot be made": tmp_path / "file" / "backups",
        "it cannot be written to": Path("/proc"),
    }[request.param]
    settings.BACKUP_DIRECTORY = str(bad)
    return bad


@pytest.fixture(autouse=True)
def _old_table() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE old_things (id int)")
        yield
        cursor.execute("DROP TABLE old_things")


@pytest.mark.parametrize("words", [("backup_drill",), ("unused_tables", "backup", "old_things")])
def test_it_is_named_with_its_variable_and_what_to_do(
    words: tuple[str, ...], bad_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "dump", lambda *_: pytest.fail("it was dumped"))

    with pytest.raises(CommandError, match="in BACKUP_DIRECTORY") as refused:
        call_command(*words, stdout=StringIO())

    assert refused.value.returncode == 1
    assert str(refused.value).startswith(f"No backup can be written to {bad_directory}: ")
    assert CommandRun.objects.get().outcome == "failed"
