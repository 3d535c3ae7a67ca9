"""Write transactions on the ledger: the one place that does."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_noop
from uuid_utils.compat import uuid7

from rewards.amounts import Amounts
from rewards.models import Account, Transaction
from rewards.services.announcements import announce

THE_USER = ""
"""The account of a line that stands on the user's side."""


class IdempotencyKeyReused(Exception):
    """This idempotency key was used before, for something else."""


class AlreadyReversed(Exception):
    """This transaction has been reversed already."""

    sentence = gettext_noop("This transaction has been reversed already.")


@dataclass(frozen=True, slots=True)
class Line:
    """An amount onto (positive) or off (negative) the user's account, or one of the house's."""

    account: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction to be.

    `content` is what the idempotency key stands for, by default all that is posted; verbs whose
    lines follow from the present state (a draw, a rule's amounts) name instead what was asked.
    `memo` is for the user to read, `note` for staff alone; the note is no part of the content.
    """

    user_id: int
    kind: str
    key: str
    lines: tuple[Line, ...]
    reference: str = ""
    memo: str = ""
    note: str = ""
    actor: str = ""
    reverses_id: UUID | None = None
    content: Sequence[Any] | None = None

    @property
    def fingerprint(self) -> str:
        lines = [[line.account, line.currency, line.amount] for line in self.lines]
        content = self.content or [sorted(lines), self.reference, self.memo]
        return fingerprint_of([self.kind, self.user_id, *content])

    @property
    def amounts(self) -> Amounts:
        total = Amounts()
        for line in self.lines:
            if line.account == THE_USER:
                total += Amounts(**{line.currency: line.amount})
        return total


def fingerprint_of(content: Any) -> str:
    """Return a digest by which a repeated request is known to ask for the same."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def from_house(account: Account, amounts: Amounts) -> tuple[Line, ...]:
    """Return the lines that move `amounts` from a house account to the user (or back)."""
    return tuple(
        line
        for currency, amount in amounts
        if amount
        for line in (Line(account, currency, -amount), Line(THE_USER, currency, amount))
    )


def post(
    postings: Sequence[Posting], *, now: datetime, is_announced: bool = True
) -> list[Transaction]:
    """Write the postings in one statement and return their transactions, in order.

    A posting whose key is on the ledger already writes nothing: its first transaction is returned.
    The balances follow by trigger; PostgreSQL refuses one below zero, so whoever takes from a user
    locks the balance and looks first. `is_announced` says whether the web app is told.

    Raises `IdempotencyKeyReused` if the key's first content differs, `AlreadyReversed` if another
    transaction reverses the same original.
    """
    asked = {posting.key: (uuid7(), posting) for posting in postings}
    if len(asked) < len(postings):
        raise ValueError("Two postings of one batch have the same key.")
    with in_transaction():
        made = _insert(asked.values(), now=now)
        earlier = transactions_by_key(key for key, (id_, _) in asked.items() if id_ not in made)
        transactions = [
            _made(id_, posting, now=now)
            if id_ in made
            else _same_content(earlier.get(posting.key), posting)
            for id_, posting in asked.values()
        ]
        if is_announced:
            announce([posted for posted in transactions if posted.pk in made], now=now)
        return transactions


def first_answer(posting: Posting, *, otherwise: Exception) -> Transaction:
    """Return the transaction that an earlier try of this posting made, or raise `otherwise`.

    For a verb that finds itself refused: a repeat must get the first answer, though the balance or
    the rate would not allow it any more. Raises `IdempotencyKeyReused` for other content.
    """
    earlier = transactions_by_key([posting.key]).get(posting.key)
    if earlier is None:
        raise otherwise
    return _same_content(earlier, posting)


def in_transaction() -> AbstractContextManager[object]:
    """Open a database transaction, unless the caller has one.

    There it adds no savepoint, and a refusal, which has written nothing, leaves it usable.
    """
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


def transactions_by_key(keys: Iterable[str]) -> dict[str, Transaction]:
    """Return the transactions that stand under these idempotency keys, entries included."""
    wanted = list(keys)
    if not wanted:
        return {}
    found = Transaction.objects.filter(idempotency_key__in=wanted).prefetch_related("entries")
    return {transaction.idempotency_key: transaction for transaction in found}


def _same_content(earlier: Transaction | None, posting: Posting) -> Transaction:
    if earlier is None:  # not the key was taken, but the original that it reverses
        raise AlreadyReversed
    if earlier.fingerprint != posting.fingerprint:
        raise IdempotencyKeyReused
    return earlier


# Keys are sorted, so that two batches with the same ones wait for each other in one order.
_POST = """
WITH asked AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(users)s::bigint[], %(kinds)s::text[], %(keys)s::text[],
        %(fingerprints)s::text[], %(references)s::text[], %(memos)s::text[], %(notes)s::text[],
        %(actors)s::text[], %(reverses)s::uuid[]
    ) AS asked(
        id, user_id, kind, idempotency_key, fingerprint, reference, memo, note, actor, reverses_id
    )
), made AS (
    INSERT INTO rewards_transaction (
        id, user_id, kind, idempotency_key, fingerprint, reference, memo, note, actor, reverses_id,
        created_at
    )
    SELECT *, %(now)s FROM asked ORDER BY idempotency_key
    ON CONFLICT DO NOTHING
    RETURNING id, user_id
), entered AS (
    INSERT INTO rewards_entry (transaction_id, user_id, house, currency, amount)
    SELECT made.id, CASE WHEN line.account = '' THEN made.user_id END, line.account,
           line.currency, line.amount
    FROM unnest(
        %(line_ids)s::uuid[], %(accounts)s::text[], %(currencies)s::text[], %(amounts)s::bigint[]
    ) AS line(id, account, currency, amount)
    JOIN made ON made.id = line.id
)
SELECT id FROM made
"""


def _insert(asked: Iterable[tuple[UUID, Posting]], *, now: datetime) -> set[UUID]:
    pairs = list(asked)
    lines = [(id_, line) for id_, posting in pairs for line in posting.lines]
    with connection.cursor() as cursor:
        cursor.execute(
            _POST,
            {
                "ids": [id_ for id_, _ in pairs],
                "users": [posting.user_id for _, posting in pairs],
                "kinds": [posting.kind for _, posting in pairs],
                "keys": [posting.key for _, posting in pairs],
                "fingerprints": [posting.fingerprint for _, posting in pairs],
                "references": [posting.reference for _, posting in pairs],
                "memos": [posting.memo for _, posting in pairs],
                "notes": [posting.note for _, posting in pairs],
                "actors": [posting.actor for _, posting in pairs],
                "reverses": [posting.reverses_id for _, posting in pairs],
                "now": now,
                "line_ids": [id_ for id_, _ in lines],
                "accounts": [str(line.account) for _, line in lines],
                "currencies": [str(line.currency) for _, line in lines],
                "amounts": [line.amount for _, line in lines],
            },
        )
        return {id_ for (id_,) in cursor.fetchall()}


def _made(id_: UUID, posting: Posting, *, now: datetime) -> Transaction:
    made = Transaction.from_db(
        connection.alias,
        [
            "id", "user_id", "kind", "idempotency_key", "fingerprint", "reference", "memo", "note",
            "actor", "reverses_id", "created_at",
        ],
        [
            id_, posting.user_id, posting.kind, posting.key, posting.fingerprint,
            posting.reference, posting.memo, posting.note, posting.actor, posting.reverses_id, now,
        ],
    )  # fmt: skip
    made.amounts = posting.amounts
    return made
