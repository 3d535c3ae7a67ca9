"""The ledger on entries that `deploy/partitioning/` has split by month: it is the same ledger."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import Entry
from rewards.services import balances_of, grant_by_clerk_id, spend_by_clerk_id, verify_ledger

pytestmark = pytest.mark.django_db

SCRIPTS = Path(__file__).resolve().parents[2] / "deploy" / "partitioning"
DAY = 24 * 60 * 60


@pytest.fixture
def grant() -> Callable[[str], None]:
    def give(key: str) -> None:
        grant_by_clerk_id(
            clerk_id="user_ploy",
            amounts=Amounts(stars=10),
            reason="",
            key=key,
            actor="aree",
            now=timezone.now(),
        )
        _check_now()

    return give


@pytest.fixture
def partitioned(grant: Callable[[str], None]) -> None:
    """Split the entries, of which there are some."""
    grant("before")
    with connection.cursor() as cursor:
        for name in ("1-prepare.sql", "2-switch.sql"):
            script = (SCRIPTS / name).read_text()
            cursor.execute(script.replace("CONCURRENTLY ", ""))  # a test is one transaction


def test_entries_go_on_and_balances_follow(
    partitioned: None, grant: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards.services.posting.uuid7", _in_seventy_days)
    grant("after")
    spend_by_clerk_id(
        clerk_id="user_ploy",
        amount=12,
        order=["stars"],
        reason="",
        key="spend",
        actor="aree",
        now=timezone.now(),
    )
    _check_now()

    ploy = User.objects.get(clerk_id="user_ploy")
    assert balances_of(ploy.pk).stars == 8
    assert verify_ledger() == []
    assert Entry.objects.count() == sum(_rows_by_partition().values())
    assert len(_rows_by_partition()) == 2


def test_triggers_refuse_what_they_refused(partitioned: None) -> None:
    for statement in (
        "UPDATE rewards_entry SET amount = 1",
        "DELETE FROM rewards_entry",
        "DELETE FROM rewards_entry_past",
        "TRUNCATE rewards_entry_past",
    ):
        with pytest.raises(IntegrityError, match="correct it by a reversal"), transaction.atomic():
            _execute(statement)


def test_a_transaction_that_does_not_sum_to_zero_is_refused(partitioned: None) -> None:
    with pytest.raises(IntegrityError, match="does not sum to zero"), transaction.atomic():
        _post_one_sided()


def _post_one_sided() -> None:
    ploy = User.objects.get(clerk_id="user_ploy")
    _execute(
        "WITH made AS (INSERT INTO rewards_transaction (id, user_id, kind, idempotency_key,"
        " fingerprint, reference, memo, note, actor, created_at) VALUES"
        " ('01a20559-b0b5-7394-a53b-7aac432fc3cf', %s, 'grant', 'k', '', '', '', '', '', now())"
        " RETURNING id) INSERT INTO rewards_entry (transaction_id, user_id, house, currency,"
        " amount) SELECT id, %s, '', 'stars', 5 FROM made",
        ploy.pk,
        ploy.pk,
    )
    _check_now()


def _in_seventy_days() -> UUID:
    milliseconds = int((time.time() + 70 * DAY) * 1000)
    noise = int.from_bytes(os.urandom(7), "big")
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | noise)


def _rows_by_partition() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM rewards_entry GROUP BY 1")
        return dict(cursor.fetchall())


def _check_now() -> None:
    """Let the deferred triggers look, as a commit would."""
    _execute("SET CONSTRAINTS ALL IMMEDIATE")
    _execute("SET CONSTRAINTS ALL DEFERRED")


def _execute(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
