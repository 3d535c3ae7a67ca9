"""The ledger: what every user holds of each currency, and every movement that led there.

Invariants, held by the database:

- A transaction moves the amounts of one user. It has entries, and they sum to zero per currency
  (`transaction_has_entries`, `transaction_sums_to_zero`, `transaction_moves_one_user`, checked at
  commit by a deferred trigger).
- Transactions and entries are only ever added: triggers refuse UPDATE, DELETE and TRUNCATE, and
  refuse entries for a transaction that an earlier commit has sealed.
- An entry stands on exactly one account, the user's or one of the house's, and is never zero.
- A balance is the sum of its user's entries and never below zero (`balance_is_not_negative`). A
  trigger on entries keeps it; any other change is refused.
- An idempotency key is on the ledger once, for ever.
- A transaction is reversed at most once. Its reversal has the opposite entries, except that what
  the user no longer had is borne by the house account `clawed_back`. A reversal is a transaction
  like any other and can be reversed in its turn: that restores the first state, and reversing
  *that* corrects once more.
- A large grant by hand is asked for by one member of staff and decided by another, once
  (`grant_request_decider_is_not_requester`); an approved one has its transaction, and what was
  asked never changes.
- A day that is over has its totals once (`issuedday_is_one`): a copy of what the ledger says, kept
  to be read quickly.
- A proof of the ledger is only ever added, with as many faults as it found, up to twenty.
- A pair of currencies has at most one active exchange rate. Rule amounts are never negative.

The house keeps no balance rows: they would be the one row that every posting waits for.
"""

from rewards.models.days import ClosedDay, IssuedDay
from rewards.models.grant_requests import GrantRequest
from rewards.models.ledger import (
    Account,
    Balance,
    Entry,
    Transaction,
    TransactionQuerySet,
    kind_told,
    net_amounts,
)
from rewards.models.proofs import KEPT_FAULTS, LedgerProof
from rewards.models.repeats import IdempotencyRecord
from rewards.models.rules import MAX_AMOUNT, ExchangeRate, RewardRule, RewardRuleQuerySet

__all__ = [
    "KEPT_FAULTS",
    "MAX_AMOUNT",
    "Account",
    "Balance",
    "ClosedDay",
    "Entry",
    "ExchangeRate",
    "GrantRequest",
    "IdempotencyRecord",
    "IssuedDay",
    "LedgerProof",
    "RewardRule",
    "RewardRuleQuerySet",
    "Transaction",
    "TransactionQuerySet",
    "kind_told",
    "net_amounts",
]
