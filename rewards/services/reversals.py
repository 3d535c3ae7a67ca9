"""Take back: the opposite of a transaction, once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils.translation import gettext as _

from rewards.amounts import Amounts
from rewards.models import Account, Entry, Transaction
from rewards.services.balances import InsufficientBalance, lock_balances
from rewards.services.grants import UserGone
from rewards.services.owners import ask_owner
from rewards.services.posting import (
    THE_USER,
    AlreadyReversed,
    Line,
    Posting,
    first_answer,
    in_transaction,
    post,
)


class TransactionNotFound(Exception):
    """There is no such transaction."""


def reverse_transaction(
    *,
    transaction: Transaction,
    reason: str,
    key: str,
    actor: str,
    now: datetime,
    claw_back: bool = False,
    note: str = "",
) -> Transaction:
    """Post the opposite of `transaction`, once, and return it.

    The user reads `reason` as its memo; `note` is for staff.

    With `claw_back`, what the user no longer has is borne by the house account `clawed_back`: the
    reversal takes what is left, and its line there is the shortfall. A reversal can be reversed
    like any other transaction, which gives back what it took and settles its shortfall.

    Raises `AlreadyReversed`, `IdempotencyKeyReused`, and `InsufficientBalance` if the user would go
    below zero or, with `claw_back`, if there is nothing to move.
    """
    with in_transaction():
        entries = list(transaction.entries.all())
        held = lock_balances(transaction.user_id, {entry.currency for entry in entries})
        posting = Posting(
            user_id=transaction.user_id,
            kind=Transaction.REVERSAL,
            key=key,
            lines=_mirrored(entries, held),
            reference=transaction.reference,
            memo=reason,
            note=note,
            actor=actor,
            reverses_id=transaction.pk,
            content=[str(transaction.pk), reason, claw_back],
        )
        # What gave back what had been clawed back moves nothing once all of it is spent.
        if not posting.lines or (not claw_back and _shortfall(posting, entries)):
            return first_answer(posting, otherwise=_refusal(transaction))
        return post([posting], now=now)[0]


def reverse_by_id(
    *, transaction_id: str, reason: str, key: str, actor: str, now: datetime
) -> Transaction:
    """Reverse the transaction that a service names by its public id.

    Raises `TransactionNotFound`, `OwnedElsewhere`, `UserGone`, and what `reverse_transaction`
    raises.
    """
    try:
        found = Transaction.objects.prefetch_related("entries").get(pk=UUID(transaction_id))
    except (ValueError, Transaction.DoesNotExist) as error:
        raise TransactionNotFound from error
    ask_owner(found)
    refuse_erased(found)
    return reverse_transaction(transaction=found, reason=reason, key=key, actor=actor, now=now)


def refuse_erased(transaction: Transaction) -> None:
    """Raise `UserGone` if to reverse this would give to somebody erased, who can spend nothing.

    Call it in the database transaction of the reversal, before balances are locked: whoever erases
    the person meanwhile waits, and then takes what was given.
    """
    gives = any(amount < 0 for _currency, amount in transaction.amounts)
    if not gives or Transaction.objects.filter(reverses=transaction).exists():
        return  # a repeat gets its first answer, or is refused for that
    owner: Any = get_user_model().objects.select_for_update(no_key=True)
    if owner.get(pk=transaction.user_id).deleted_at is not None:
        raise UserGone(_("This person was erased; nobody could spend what is given back."))


def standing_by_key(keys: Iterable[str]) -> dict[str, Transaction]:
    """Return, by idempotency key, what must be reversed to take back what was posted under it.

    That is the transaction itself or, where a reversal of it was reversed in its turn, the last
    such; nothing where it has been taken back already.
    """
    return _ends_of_chains(keys, taken_back=False)


def taken_back_by_key(keys: Iterable[str]) -> dict[str, Transaction]:
    """Return, by idempotency key, what must be reversed to give back what was posted under it.

    That is the last reversal; nothing where what was posted stands.
    """
    return _ends_of_chains(keys, taken_back=True)


def _ends_of_chains(keys: Iterable[str], *, taken_back: bool) -> dict[str, Transaction]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_IN_CHAIN, {"keys": list(keys)})
        last = {id_: key for key, id_, n in cursor.fetchall() if (n % 2 == 1) == taken_back}
    return {last[found.pk]: found for found in Transaction.objects.filter(pk__in=last)}


_LAST_IN_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT idempotency_key, id, 0 AS reversals
    FROM rewards_transaction WHERE idempotency_key = ANY(%(keys)s)
    UNION ALL
    SELECT chain.idempotency_key, later.id, chain.reversals + 1
    FROM rewards_transaction AS later JOIN chain ON later.reverses_id = chain.id
)
SELECT DISTINCT ON (idempotency_key) idempotency_key, id, reversals
FROM chain ORDER BY idempotency_key, reversals DESC
"""


def _mirrored(entries: list[Entry], held: Amounts) -> tuple[Line, ...]:
    lines = [Line(e.house, e.currency, -e.amount) for e in entries if e.user_id is None]
    for entry in entries:
        if entry.user_id is not None:
            lines += _from_the_user(entry, getattr(held, entry.currency))
    return _merged(lines)


def _from_the_user(entry: Entry, held: int) -> list[Line]:
    taken = max(-entry.amount, -held)
    return [
        Line(THE_USER, entry.currency, taken),
        Line(Account.CLAWED_BACK, entry.currency, -entry.amount - taken),
    ]


def _merged(lines: list[Line]) -> tuple[Line, ...]:
    totals: dict[tuple[str, str], int] = {}
    for line in lines:
        place = (str(line.account), line.currency)
        totals[place] = totals.get(place, 0) + line.amount
    return tuple(Line(*place, amount) for place, amount in totals.items() if amount)


def _shortfall(posting: Posting, entries: list[Entry]) -> bool:
    wanted = sum((Amounts(**{e.currency: -e.amount}) for e in entries if e.user_id), Amounts())
    return posting.amounts != wanted


def _refusal(transaction: Transaction) -> Exception:
    if Transaction.objects.filter(reverses=transaction).exists():
        return AlreadyReversed()
    return InsufficientBalance()
