"""The old ledger, kept to be read: it explains to staff what a balance came from, or does not."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from mimivibes.legacy.codes import user_ids
from mimivibes.legacy.importing import Import
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction
from mimivibes.legacy.quirks import amounts_moved, json_of, whole
from mimivibes.legacy.source import Row
from mimivibes.legacy.statements import EXCHANGES, TRANSACTIONS, WITHOUT_TRANSACTIONS
from referrals.services.attributions import lock_people
from rewards.amounts import Amounts

Origin = LegacyTransaction.Origin
Kept = tuple[Row, Amounts, dict[str, Any]]
"""A row, what it moved, and its details."""


def keep_history(run: Import) -> None:
    """Keep every row of the old ledger, and compare what they come to with the balances."""
    people = _People(run)
    for rows in run.pages(TRANSACTIONS, Origin.POINTS):
        kept = [_transaction(run, row) for row in rows]
        for row, amounts, _details in kept:
            people.add(row, amounts)
        _keep(run, Origin.POINTS, kept)
    people.end()
    for rows in run.pages(EXCHANGES, Origin.EXCHANGE):
        _keep(run, Origin.EXCHANGE, [_exchange(run, row) for row in rows])
    (without,) = run.source.rows(WITHOUT_TRANSACTIONS)
    run.report.count(
        "people by the old ledger", "hold something without any row", without["people"]
    )


def forget_person(*, user_id: int) -> dict[str, int]:
    """Empty what old rows say of somebody erased; the amounts stay. Returns how many did."""
    told = LegacyTransaction.objects.filter(user_id=user_id).exclude(details={})
    account = LegacyAccount.objects.filter(user_id=user_id).exclude(kept={})
    return {
        "old_transactions_cleared": told.update(details={}),
        "old_accounts_cleared": account.update(kept={}),
    }


def _transaction(run: Import, row: Row) -> Kept:
    id_, note, type_ = row["id"], run.report.note, row["event_type"]
    details = json_of(row["metadata"], row=id_, note=note)
    if type_ == type_.lower() and type_ != "welcome_bonus":
        note("event_type_of_seed", id_)
    if not row["is_known"]:
        note("without_user", id_)
    if (
        "REFERR" in type_
        and "INVITE" not in type_.replace("INVITER", "")
        and ("user_" not in (row["metadata"] or ""))
    ):
        note("payment_names_nobody", id_)
    amounts = amounts_moved(row, details, note=note)
    kept = {"deltaPoint": row["delta_point"], **({"metadata": details} if details else {})}
    return row, amounts, kept


def _exchange(run: Import, row: Row) -> Kept:
    id_, note = row["id"], run.report.note
    details = json_of(row["metadata"], row=id_, note=note)
    got = whole(row["received"], row=id_, note=note)
    item = (row["item"] or "").lower()
    amounts = Amounts(
        coins=-abs(whole(row["coins"], row=id_, note=note)),
        stars=got if item.startswith("star") else 0,
        free_points=got if item.startswith("free") else 0,
    )
    kept = {"receivedItem": row["item"], "receivedAmount": row["received"], "status": row["status"]}
    return row, amounts, {**kept, **({"metadata": details} if details else {})}


class _People:
    """Compares, person by person, the rows with the balance; rows come in the order of people."""

    def __init__(self, run: Import) -> None:
        self._run = run
        self._user = ""
        self._held = self._moved = Amounts()

    def add(self, row: Row, amounts: Amounts) -> None:
        if row["user_id"] != self._user:
            self.end()
            self._user, self._moved = row["user_id"], Amounts()
            self._held = Amounts(*(row[c] or 0 for c in ("stars", "free_points", "coins", "exp")))
        self._moved += amounts

    def end(self) -> None:
        if self._user:
            is_equal = self._held == self._moved
            outcome = "hold what their rows come to" if is_equal else "hold something else"
            self._run.report.count("people by the old ledger", outcome)


def _keep(run: Import, origin: str, rows: list[Kept]) -> None:
    for row, amounts, _details in rows:
        run.report.move(origin, amounts)
        if row["at"] is None:
            run.report.note("time_unknown", row["id"])
    with run.writing():
        new = _count_new(origin, rows) if run.is_dry else _insert(run, origin, rows)
    run.report.count(origin, "new", new)
    run.report.count(origin, "here already", len(rows) - new)


def _count_new(origin: str, rows: list[Kept]) -> int:
    ids = [row["id"] for row, _, _ in rows]
    return len(rows) - LegacyTransaction.objects.filter(origin=origin, legacy_id__in=ids).count()


def _insert(run: Import, origin: str, rows: list[Kept]) -> int:
    users = user_ids(row["user_id"] for row, _, _ in rows)
    # Locked: an erasure that goes on now empties what is here, and not what is on its way.
    owners = lock_people(*users.values()).values()
    erased = {user.clerk_id for user in owners if user.deleted_at}
    rows = [
        (row, amounts, {} if row["user_id"] in erased else details)
        for row, amounts, details in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [origin, *map(list, zip(*_values(run, rows, users), strict=True))])
        return int(cursor.rowcount)


def _values(run: Import, rows: list[Kept], users: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    for row, amounts, details in rows:
        yield (
            row["id"],
            users.get(row["user_id"]),
            row["user_id"],
            (row["event_type"] or "")[:255],
            row["at"] or run.now,
            *(amount for _, amount in amounts),
            json.dumps(details),
        )


_INSERT = """
INSERT INTO legacy_legacytransaction (
    origin, legacy_id, user_id, legacy_user_id, event_type, at, stars, free_points, coins, exp,
    details
)
SELECT %s, r.id, user_id, legacy_user_id, type, at, stars, free_points, coins, exp,
       CASE WHEN person.deleted_at IS NULL THEN details::jsonb ELSE '{}' END
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[],
            %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
    AS r (id, user_id, legacy_user_id, type, at, stars, free_points, coins, exp, details)
LEFT JOIN accounts_user AS person ON person.id = r.user_id
ON CONFLICT (origin, legacy_id) DO NOTHING
"""
