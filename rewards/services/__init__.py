"""The verbs of the ledger. Each takes the time as `now`, and is safe to repeat under its key."""

from rewards.services.balances import InsufficientBalance, balances_of, earned
from rewards.services.forfeits import forfeit_balances
from rewards.services.grants import UserGone, grant, grant_by_clerk_id
from rewards.services.posting import (
    AlreadyReversed,
    IdempotencyKeyReused,
    transactions_by_key,
)
from rewards.services.reversals import TransactionNotFound, reverse_by_id, reverse_transaction
from rewards.services.rules import pay_rules

__all__ = [
    "AlreadyReversed",
    "IdempotencyKeyReused",
    "InsufficientBalance",
    "TransactionNotFound",
    "UserGone",
    "balances_of",
    "earned",
    "forfeit_balances",
    "grant",
    "grant_by_clerk_id",
    "pay_rules",
    "reverse_by_id",
    "reverse_transaction",
    "transactions_by_key",
]
