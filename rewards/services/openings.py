"""Begin the accounts of people whose balances were kept elsewhere before.

The web app is not told of openings, which change nothing for it: it is where they come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext_noop

from rewards.amounts import Amounts
from rewards.models import Account, RewardRule
from rewards.services.balances import InsufficientBalance, lock_balances
from rewards.services.posting import Posting, from_house, in_transaction, post
from rewards.services.reversals import reverse_transaction, standing_by_key
from rewards.services.rules import key_of

KIND = "opening"
MEMO = gettext_noop("Balance brought over from the earlier app")
GIVEN_BEFORE = gettext_noop("Given in the earlier app already")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a user held elsewhere: no amount negative, not all zero. Posted once for each `key`."""

    user_id: int
    amounts: Amounts
    key: str


def post_openings(*, openings: Sequence[Opening], actor: str, now: datetime) -> None:
    """Post one transaction for each opening, all of them in one statement.

    An opening whose key is on the ledger already posts nothing. Raises `IdempotencyKeyReused` if
    its first amounts were others.
    """
    for opening in openings:
        if not opening.amounts or any(amount < 0 for _, amount in opening.amounts):
            raise ValueError(f"An opening gives something and takes nothing: {opening}")
    if openings:
        postings = [_posting(opening, actor=actor) for opening in openings]
        post(postings, now=now, is_announced=False)


def change_opening(*, user_id: int, change: Amounts, key: str, actor: str, now: datetime) -> None:
    """Post by how much an opening has turned out to be more, or less, than was posted.

    Raises `InsufficientBalance` if the user would go below zero.
    """
    with in_transaction():
        held = lock_balances(user_id, {currency for currency, amount in change if amount})
        if any(amount < 0 for _, amount in held + change):
            raise InsufficientBalance
        posting = _posting(Opening(user_id, change, key), actor=actor)
        post([posting], now=now, is_announced=False)


def take_back_rules(*, user_id: int, trigger: str, up_to: int, actor: str, now: datetime) -> int:
    """Take back what rules paid for the first `up_to` times, which were rewarded elsewhere before.

    For somebody who came here before their history did. What they have spent of it is recorded as a
    shortfall. What was taken back once, by this or by staff, and given back again, is left: that
    was decided. Returns how many payments were taken back; the rules never pay this user again.
    """
    rules = RewardRule.objects.filter(
        trigger=trigger, threshold__lte=up_to, period=RewardRule.Period.ONCE
    )
    standing = standing_by_key([key_of(rule, user_id) for rule in rules])
    untouched = {key: made for key, made in standing.items() if made.idempotency_key == key}
    for key, transaction in sorted(untouched.items()):
        reverse_transaction(
            transaction=transaction,
            reason=GIVEN_BEFORE,
            key=f"given_before:{key}",
            actor=actor,
            now=now,
            claw_back=True,
        )
    return len(untouched)


def opened_in_all() -> Amounts:
    """Return what all openings together gave."""
    with connection.cursor() as cursor:
        cursor.execute(_OPENED, [KIND])
        return Amounts(**{currency: int(amount) for currency, amount in cursor.fetchall()})


_OPENED = """
SELECT entry.currency, sum(entry.amount)
FROM rewards_entry AS entry JOIN rewards_transaction AS made ON made.id = entry.transaction_id
WHERE made.kind = %s AND entry.user_id IS NOT NULL
GROUP BY entry.currency
"""


def _posting(opening: Opening, *, actor: str) -> Posting:
    return Posting(
        user_id=opening.user_id,
        kind=KIND,
        key=opening.key,
        lines=from_house(Account.ISSUED, opening.amounts),
        memo=MEMO,
        actor=actor,
    )
