"""`migrate`: a table that is in use is not waited for while everybody else waits behind."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from tests.server import database_url

NAME = "9999_planted"
TOLD = "SELECT set_config('test.lock_timeout', current_setting('lock_timeout'), false)"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put one more migration, which runs the given statement, after those of `mimivibes`."""
    read = MigrationLoader.load_disk

    def plant_it(sql: str, *, atomic: bool = True) -> None:
        def load_disk(loader: MigrationLoader) -> None:
            read(loader)
            planted = migrations.Migration(NAME, "mimivibes")
            newest = max(name for app, name in loader.disk_migrations if app == "mimivibes")
            planted.dependencies = [("mimivibes", newest)]
            planted.operations = [migrations.RunSQL(sql)]
            planted.atomic = atomic
            loader.disk_migrations["mimivibes", NAME] = planted

        monkeypatch.setattr(MigrationLoader, "load_disk", load_disk)

    yield plant_it
    MigrationRecorder(connection).record_unapplied("mimivibes", NAME)


def migrate(**options: int) -> None:
    call_command("migrate", "mimivibes", verbosity=0, **options)


def lock_timeout_of_the_migration() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('test.lock_timeout')")
        return str(cursor.fetchone()[0])


def test_a_table_in_use_is_left_alone_and_the_operator_told_to_try_again(
    plant: Callable[..., None],
) -> None:
    plant("ALTER TABLE mimivibes_commandrun ADD COLUMN planted int")
    url = database_url(str(connection.settings_dict["NAME"]))

    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM mimivibes_commandrun")
        with pytest.raises(CommandError, match=r"in use for more than 1 s.* Run it again"):
            migrate(lock_timeout=1)

    assert ("mimivibes", NAME) not in MigrationRecorder(connection).applied_migrations()


def test_a_table_in_use_is_left_alone_outside_of_a_transaction_too(
    plant: Callable[..., None],
) -> None:
    plant("ALTER TABLE mimivibes_commandrun ALTER COLUMN runner SET STATISTICS 50", atomic=False)
    url = database_url(str(connection.settings_dict["NAME"]))

    with psycopg.connect(url) as somebody:
        somebody.execute("LOCK TABLE mimivibes_commandrun IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CommandError, match=r"in use for more than 1 s.* Run it again"):
            migrate(lock_timeout=1)

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_one_that_was_killed_in_the_middle_is_run_again() -> None:
    """Here just before it was noted as done, when all of it stood already."""
    loader = MigrationLoader(connection)
    key = ("referrals", "0013_captures_of_the_referee")

    with connection.schema_editor(atomic=False) as editor:
        loader.graph.nodes[key].apply(loader.project_state(key, at_end=False), editor)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE convalidated AND conname IN"
            " ('capture_is_of_one_user', 'attribution_capture_is_the_referees',"
            " 'decision_capture_is_the_referees')"
        )
        assert len(cursor.fetchall()) == 3


def test_within_a_transaction_the_wait_for_a_lock_is_short(plant: Callable[..., None]) -> None:
    plant(TOLD)

    migrate()

    assert lock_timeout_of_the_migration() == "5s"


def test_what_runs_outside_of_a_transaction_is_not_cut_short(plant: Callable[..., None]) -> None:
    plant(TOLD, atomic=False)

    migrate()

    assert lock_timeout_of_the_migration() == "0"


def test_the_limit_ends_with_the_transaction(plant: Callable[..., None]) -> None:
    plant(TOLD)

    migrate()

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
