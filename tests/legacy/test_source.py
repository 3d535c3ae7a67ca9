"""The replaced system's database: any address of it, only ever read, and not mistaken."""

from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command, load_command_class

from mimivibes.legacy.source import SourceUnusable, opened
from mimivibes.legacy.stages import inviter_amounts
from mimivibes.models import CommandRun
from rewards.amounts import Amounts
from tests.commands import run, shown_on_a_terminal
from tests.legacy.old_world import OldWorld

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = "import_legacy"


def told(*arguments: Any) -> str:
    out = StringIO()
    call_command(COMMAND, *arguments, stdout=out)
    return out.getvalue()


def test_nothing_can_be_written_there(source: str) -> None:
    with opened(source) as there, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        there.rows('DELETE FROM "User" RETURNING 1')


def test_everything_is_read_as_of_one_moment(own_source: str) -> None:
    world = OldWorld()
    world.person()
    world.load(own_source)
    with opened(own_source) as there:
        count = 'SELECT count(*) AS n FROM "User"'
        before = there.rows(count)
        more = OldWorld(_serial=100)
        more.person()
        more.fill(own_source)

        assert there.rows(count) == before


def test_an_empty_system_is_imported_without_a_row(own_source: str) -> None:
    OldWorld().load(own_source)

    report = run(COMMAND, "--source", own_source, "--apply", "--inviter-coins", "0")

    assert report["is_complete"]
    assert report["is_sound"]
    assert report["balances"]["before"] == Amounts().as_dict()


def test_an_address_as_prisma_writes_it_is_understood(own_source: str) -> None:
    OldWorld().load(own_source)
    with psycopg.connect(own_source) as there:
        there.execute('ALTER SCHEMA public RENAME TO "old app"')
        there.execute("CREATE SCHEMA public")
    address = f"{own_source}&schema=old%20app&connection_limit=1&pgbouncer=true"

    assert run(COMMAND, "--source", address)["is_complete"]


@pytest.mark.parametrize("address", ["mysql://host/db", "postgresql://nobody:secret@127.0.0.1:1/x"])
def test_what_cannot_be_read_is_said_without_the_password(address: str) -> None:
    with pytest.raises(CommandError, match="source") as refused:
        told("--source", address)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("mark", ["/", "@", "#", "?", "%zz", "[", "?a=b@c"])
def test_a_password_that_breaks_the_address_is_not_repeated(mark: str) -> None:
    with pytest.raises(CommandError) as refused:
        told("--source", f"postgresql://nobody:hush{mark}whisper@127.0.0.1:1/x")

    assert "hush" not in str(refused.value)
    assert "whisper" not in str(refused.value)


def test_another_database_is_not_taken_for_it(own_source: str) -> None:
    with pytest.raises(CommandError, match=r'Missing: "User"\."id"'):
        told("--source", own_source)


def test_an_unreadable_promise_to_inviters_is_asked_for(own_source: str) -> None:
    OldWorld().load(own_source)

    with pytest.raises(CommandError, match="--inviter-coins"):
        told("--source", own_source, "--apply")


def test_a_promise_that_was_off_promises_nothing(own_source: str, source: str) -> None:
    world = OldWorld()
    world.rows["reward_configurations"].append(
        {
            "id": "x",
            "name": "REFERRAL_INVITER",
            "type": "reward",
            "title": "x",
            "rewards": '{"coins": 50}',
            "isActive": False,
            "updatedAt": "2026-01-01",
        }
    )
    world.load(own_source)
    with opened(own_source) as off, opened(source) as on:
        assert inviter_amounts(off, coins=None) == Amounts()
        assert inviter_amounts(off, coins=7) == Amounts(coins=7)
        assert inviter_amounts(on, coins=None) == Amounts(coins=30)  # there it is "30", in text


def test_the_report_names_what_differs_and_nobody(
    source: str, world: OldWorld, tmp_path: Path
) -> None:
    html, text = tmp_path / "report.html", tmp_path / "report.txt"
    printed = told("--source", source, "--report", str(html))
    told("--source", source, "--report", str(text))

    assert "Every unit is accounted for." in printed
    assert text.read_text().strip() in printed
    assert "REFERRAL_INVITER: there 30 coins; here 50 coins. DIFFERENT" in printed
    assert "READING_MILESTONE_50: there unreadable; here 5 free points." in printed
    for page in (html.read_text(), printed):
        assert "Every unit is accounted for." in page
        assert "@" not in page
        assert "Person" not in page


def test_a_report_that_could_not_be_written_is_refused_before_the_work(source: str) -> None:
    with pytest.raises(CommandError, match="directory that is there"):
        call_command(COMMAND, "--source", source, "--report", "/no/such/place/report.html")


def test_a_report_that_turns_out_not_to_be_writable_is_on_record(source: str) -> None:
    with pytest.raises(CommandError, match="on record, in the admin at Command runs"):
        call_command(COMMAND, "--source", source, "--report", "/proc/report.html")

    assert CommandRun.objects.get().report["is_sound"]


def test_a_source_that_is_lost_on_the_way_is_named(source: str) -> None:
    def lose_it() -> None:
        with opened(source) as there, psycopg.connect(source) as other:
            (row,) = there.rows("SELECT pg_backend_pid() AS pid")
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [row["pid"]])
            there.rows("SELECT 1")

    with pytest.raises(SourceUnusable, match=r"lost on the way: .* Run it again"):
        lose_it()


def test_on_a_terminal_a_dry_run_shows_how_far_it_is(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "people" in shown_on_a_terminal(monkeypatch, COMMAND, "--source", source)


def test_a_source_that_cannot_be_opened_has_a_name() -> None:
    with pytest.raises(SourceUnusable), opened("nonsense"):
        pass


def test_the_help_ends_with_an_example() -> None:
    shown = load_command_class("mimivibes.legacy", COMMAND).create_parser("manage.py", COMMAND)

    assert f"manage.py {COMMAND}" in shown.format_help().partition("example:")[2]
