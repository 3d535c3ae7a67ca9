"""The figures of an import, against what was put in and against SQL on the source."""

from typing import Any

import psycopg
import pytest

from mimivibes.legacy.quirks import QUIRKS
from rewards.services import verify_ledger
from tests.commands import run
from tests.legacy.old_world import OldWorld

pytestmark = pytest.mark.django_db(transaction=True)

HELD = 'sum("stars"), sum("freePoint"), sum("coins"), sum("exp")'
CURRENCIES = ("stars", "free_points", "coins", "exp")


def asked(url: str, statement: str) -> tuple[Any, ...]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone() or ()  # type: ignore[arg-type]


def amounts(row: tuple[Any, ...]) -> dict[str, int]:
    return {currency: int(n or 0) for currency, n in zip(CURRENCIES, row, strict=True)}


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {name: value["count"] for name, value in found.items()}


def test_an_import_counts_every_quirk_and_accounts_for_every_unit(
    source: str, world: OldWorld
) -> None:
    report = run("import_legacy", "--source", source, "--apply")

    assert counts(report["quirks"]) == dict(world.quirks)
    assert set(report["quirks"]) == set(QUIRKS), "A quirk that nothing has is nowhere tried."
    assert counts(report["to_settle"]) == dict(world.matters)
    invitations = report["rows"]["invitations"]
    assert {k: invitations[k] for k in ("pending", "rewarded")} == dict(world.invitations)
    balances = report["balances"]
    assert balances["before"] == amounts(asked(source, f'SELECT {HELD} FROM "User"'))
    assert balances["seed"] == amounts(
        asked(source, f"""SELECT {HELD} FROM "User" WHERE id LIKE 'seed%'""")
    )
    assert balances["deleted"] == amounts(
        asked(source, f"""SELECT {HELD} FROM "User" WHERE name LIKE '[Deleted%'""")
    )
    above_zero = ", ".join(
        f'sum(greatest("{c}", 0))' for c in ("stars", "freePoint", "coins", "exp")
    )
    assert (
        balances["opened"]
        == balances["on_ledger"]
        == amounts(
            asked(
                source,
                f"""SELECT {above_zero} FROM "User"
                WHERE id LIKE 'user!_%' ESCAPE '!' AND name NOT LIKE '[Deleted%'""",
            )
        )
    )
    assert report["is_sound"]
    assert not verify_ledger()
