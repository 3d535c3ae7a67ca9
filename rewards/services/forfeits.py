"""Close an account: what its user still holds expires."""

from datetime import datetime

from uuid_utils.compat import uuid7

from rewards.amounts import Currency
from rewards.models import Account, Transaction
from rewards.services.balances import lock_balances
from rewards.services.posting import Posting, from_house, in_transaction, post


def forfeit_balances(*, user_id: int, reason: str, now: datetime) -> Transaction | None:
    """Take everything that a user holds; None if there is nothing to take."""
    with in_transaction():
        held = lock_balances(user_id, Currency.values)
        if not held:
            return None
        posting = Posting(
            user_id=user_id,
            kind="forfeit",
            key=f"forfeit:{uuid7()}",
            lines=from_house(Account.EXPIRED, -held),
            memo=reason,
        )
        return post([posting], now=now)[0]
