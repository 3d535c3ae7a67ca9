"""The verbs of the ledger. Each takes the time as `now`, and is safe to repeat under its key."""

from rewards.services.balances import InsufficientBalance, balances_of, earned, lock_balances
from rewards.services.exchanging import NoRate, active_rates, exchange
from rewards.services.forfeits import forfeit_balances
from rewards.services.grant_requests import NotWaiting, SecondPersonNeeded
from rewards.services.grants import UserGone, grant, grant_by_clerk_id
from rewards.services.idempotency import Answer, answer_once, forget_answers
from rewards.services.issued import (
    GrantsWaiting,
    Issued,
    close_issued_days,
    earned_between,
    grants_waiting,
    issued_by_kind,
)
from rewards.services.memos import memo_told
from rewards.services.openings import (
    Opening,
    change_opening,
    opened_in_all,
    post_openings,
    take_back_rules,
)
from rewards.services.owners import OwnedElsewhere
from rewards.services.posting import AlreadyReversed, IdempotencyKeyReused, transactions_by_key
from rewards.services.proof import Fault, last_proof, record_proof, verify_ledger
from rewards.services.reversals import (
    TransactionNotFound,
    reverse_by_id,
    reverse_transaction,
    standing_by_key,
    taken_back_by_key,
)
from rewards.services.rules import Occasion, pay_occasions, pay_rules
from rewards.services.spending import spend, spend_by_clerk_id

__all__ = [
    "AlreadyReversed",
    "Answer",
    "Fault",
    "GrantsWaiting",
    "IdempotencyKeyReused",
    "InsufficientBalance",
    "Issued",
    "NoRate",
    "NotWaiting",
    "Occasion",
    "Opening",
    "OwnedElsewhere",
    "SecondPersonNeeded",
    "TransactionNotFound",
    "UserGone",
    "active_rates",
    "answer_once",
    "balances_of",
    "change_opening",
    "close_issued_days",
    "earned",
    "earned_between",
    "exchange",
    "forfeit_balances",
    "forget_answers",
    "grant",
    "grant_by_clerk_id",
    "grants_waiting",
    "issued_by_kind",
    "last_proof",
    "lock_balances",
    "memo_told",
    "opened_in_all",
    "pay_occasions",
    "pay_rules",
    "post_openings",
    "record_proof",
    "reverse_by_id",
    "reverse_transaction",
    "spend",
    "spend_by_clerk_id",
    "standing_by_key",
    "take_back_rules",
    "taken_back_by_key",
    "transactions_by_key",
    "verify_ledger",
]
