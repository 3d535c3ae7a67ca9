"""Who else has a say in what stands on the ledger: the app whose records say what is paid.

A reward of an attribution is paid because the attribution stands. To reverse it for its own sake is
a correction; but once the attribution itself is reversed, undoing that on the ledger alone would
pay for what does not stand. This package does not know attributions, so it asks.
"""

from typing import Protocol

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from rewards.models import Transaction


class Owner(Protocol):
    """What `settings.REWARDS_KEY_OWNERS` names for a namespace of idempotency keys.

    It returns why that which was posted under `key` must not be paid again, in words that tell
    staff where to correct it instead, or "" if it may be; and holds what it goes by locked.
    """

    def __call__(self, *, key: str) -> str: ...


class OwnedElsewhere(Exception):
    """What another record takes back can be given back only there."""

    sentence = gettext_noop("What another record takes back can be given back only there.")


def ask_owner(transaction: Transaction) -> None:
    """Raise `OwnedElsewhere` if to reverse this would pay again what its owner says is not due.

    Call it in the database transaction of the reversal, before balances are locked.
    """
    if transaction.reverses_id is None:
        return  # to take back never pays too much
    if Transaction.objects.filter(reverses=transaction).exists():
        return  # a repeat, which gets its first answer, or is refused for that
    key, reversals = _root_of(transaction)
    owner = settings.REWARDS_KEY_OWNERS.get(key.partition(":")[0])
    pays_again = reversals % 2 == 1
    if owner and pays_again and (objection := import_string(owner)(key=key)):
        raise OwnedElsewhere(objection)


def _root_of(transaction: Transaction) -> tuple[str, int]:
    """Return the key under which the chain of reversals begins, and how many have followed."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_IN_CHAIN, [transaction.pk])
        key, reversals = cursor.fetchone()
        return key, reversals


_FIRST_IN_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT idempotency_key, reverses_id, 0 AS reversals FROM rewards_transaction WHERE id = %s
    UNION ALL
    SELECT earlier.idempotency_key, earlier.reverses_id, chain.reversals + 1
    FROM rewards_transaction AS earlier JOIN chain ON earlier.id = chain.reverses_id
)
SELECT idempotency_key, reversals FROM chain WHERE reverses_id IS NULL
"""
