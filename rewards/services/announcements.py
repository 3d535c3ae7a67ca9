"""Tell the web app of every balance that changes, through the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

import outbox.services as outbox
from rewards.models import Balance, Transaction

BALANCE_CHANGED = "balance.changed"
EVENT_TYPES = {BALANCE_CHANGED: "A transaction on the ledger changed what a person holds."}


def announce(made: Sequence[Transaction], *, now: datetime) -> None:
    """Publish what these new transactions changed; one query and one insert, none if it is off.

    Of the balances those are told that a transaction moved: they are locked until commit, so they
    are right, and come in order. Another one could be changing at this very moment.
    """
    if not made or not outbox.is_on():
        return
    held = _balances_of({transaction.user_id for transaction in made})
    outbox.publish(
        [
            outbox.Event(BALANCE_CHANGED, _told(transaction, *held[transaction.user_id]))
            for transaction in made
            if transaction.user_id in held
        ],
        now=now,
    )


def _balances_of(user_ids: set[int]) -> dict[int, tuple[str, dict[str, int]]]:
    """Return the name and the balances of each user; whom services cannot name is left out."""
    name = f"user__{settings.REWARDS_USER_NAME_FIELD}"
    rows = Balance.objects.filter(user__in=user_ids, **{f"{name}__isnull": False})
    held: dict[int, tuple[str, dict[str, int]]] = {}
    for user_id, user_name, currency, amount in rows.values_list(
        "user_id", name, "currency", "amount"
    ):
        held.setdefault(user_id, (user_name, {}))[1][currency] = amount
    return held


def _told(transaction: Transaction, name: str, balances: dict[str, int]) -> dict[str, Any]:
    """Say what moved, and what is held of it now; no memo, in which anything may be written."""
    reverses, amounts = transaction.reverses_id, transaction.amounts
    return {
        "user_id": name,
        "transaction": str(transaction.pk),
        "kind": transaction.kind,
        "reference": transaction.reference,
        "reverses": str(reverses) if reverses else None,
        "amounts": amounts.as_dict(),
        "balances": {currency: balances[currency] for currency, amount in amounts if amount},
    }
