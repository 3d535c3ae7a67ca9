"""unused_tables report: which tables nobody owns, and what speaks for and against each."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from mimivibes.maintenance.unused_tables.evidence import LAST_READ_SINCE
from tests.commands import run
from tests.maintenance.unused_tables.conftest import Execute

LEGACY = {
    *('"public"."CoinExchange"', '"public"."ExchangeSetting"', '"public"."PointTransaction"'),
    *('"public"."User"', '"public"."_prisma_migrations"', '"public"."readings"'),
    *('"public"."referral_codes"', '"public"."reward_configurations"'),
}


def tables(*options: str) -> dict[str, dict[str, Any]]:
    """Return what the report says, by table, without what the test run itself keeps."""
    found = run("unused_tables", "report", *options)["tables"]
    return {one["table"]: one for one in found if one["schema"] != "seeds"}


@pytest.mark.usefixtures("execute")
def test_a_database_of_this_project_alone_has_none() -> None:
    assert tables() == {}


@pytest.mark.usefixtures("replaced_system")
def test_the_replaced_systems_tables_are_all_found_and_no_other() -> None:
    assert set(tables()) == LEGACY


@pytest.mark.usefixtures("replaced_system")
def test_it_says_how_much_is_in_them_and_who_refers_to_them() -> None:
    users = tables("--count")['"public"."User"']

    assert users["rows"] == 3
    assert users["total_bytes"] >= users["table_bytes"] + users["index_bytes"] > 0
    assert users["keys_of_owned_tables"] == []
    assert (
        '"public"."referral_codes" (referral_codes_userId_fkey)' in users["keys_of_unused_tables"]
    )


@pytest.mark.usefixtures("replaced_system")
def test_it_estimates_the_rows_and_says_when_a_table_was_last_used(execute: Execute) -> None:
    fresh = tables()['"public"."User"']
    execute('ANALYZE "User"')
    execute('SELECT * FROM "User"')
    execute("SELECT pg_stat_force_next_flush()")

    users = tables()['"public"."User"']

    assert fresh["estimated_rows"] is None
    assert users["estimated_rows"] == 3
    assert users["reads"] > fresh["reads"]
    assert users["writes"] >= 3
    if connection.pg_version >= LAST_READ_SINCE:  # type: ignore[attr-defined]
        assert users["last_read_at"] is not None


@pytest.mark.usefixtures("replaced_system")
def test_it_names_whatever_hangs_on_a_table(execute: Execute) -> None:
    execute('CREATE VIEW rich AS SELECT id FROM "User" WHERE stars > 2')
    execute("ALTER TABLE readings ADD COLUMN number serial")
    execute(
        "CREATE FUNCTION poor() RETURNS bigint LANGUAGE sql AS"
        """ 'SELECT count(*) FROM "User" WHERE stars = 0'"""
    )
    execute("CREATE FUNCTION users() RETURNS text LANGUAGE sql AS $$ SELECT 'Userland' $$")
    execute("CREATE TABLE accounts_guest (host bigint REFERENCES accounts_user)")
    execute(
        'CREATE TABLE friends (one text REFERENCES "User" (id), other text REFERENCES "User" (id))'
    )

    found = tables()
    execute("DROP FUNCTION poor(); DROP FUNCTION users()")

    assert {
        '"public"."friends" (friends_one_fkey)',
        '"public"."friends" (friends_other_fkey)',
    } <= set(found['"public"."User"']["keys_of_unused_tables"])
    assert found['"public"."User"']["views"] == ['"public"."rich"']
    assert found['"public"."User"']["functions_that_mention_it"] == ["poor()"]
    assert found['"public"."readings"']["sequences"] == ['"public"."readings_number_seq"']
    assert '"public"."accounts_guest"' in found


def test_partitions_and_heirs_go_with_whom_they_belong_to(execute: Execute) -> None:
    execute("CREATE TABLE visit (at date) PARTITION BY LIST (at)")
    execute("CREATE TABLE visit_today PARTITION OF visit FOR VALUES IN ('2026-11-22')")
    execute("INSERT INTO visit VALUES ('2026-11-22')")
    execute("CREATE TABLE mimivibes_heir () INHERITS (mimivibes_commandrun)")

    found = tables("--count")

    assert set(found) == {'"public"."visit"'}
    assert found['"public"."visit"']["rows"] == 1
    assert found['"public"."visit"']["table_bytes"] > 0


def test_a_table_of_the_same_name_in_another_schema_is_not_the_models(execute: Execute) -> None:
    execute("CREATE SCHEMA attic; CREATE TABLE attic.accounts_user (id int)")

    assert set(tables()) == {'"attic"."accounts_user"'}


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE TABLE IF NOT EXISTS "made_by_hand" (id int)',
        "create unlogged table public.made_by_hand (id int)",
        "ALTER TABLE made_so RENAME TO made_by_hand",
    ],
)
def test_what_a_migration_makes_by_sql_is_the_migrations(
    execute: Execute, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    execute("CREATE TABLE made_by_hand (id int)")
    monkeypatch.setattr(
        "mimivibes.maintenance.unused_tables.finding.getsource", lambda module: f'"""{statement}"""'
    )

    assert tables() == {}


@pytest.mark.usefixtures("replaced_system")
def test_in_words_it_says_how_little_fresh_statistics_prove(execute: Execute) -> None:
    execute("SELECT pg_stat_reset()")
    out = StringIO()

    call_command("unused_tables", "report", stdout=out)

    assert '"public"."User"\n' in out.getvalue()
    assert "that is short, so they prove little" in out.getvalue()
