"""What an attribution pays, takes back and gives back on the ledger.

Each side's reward is granted once, under the key of that side. What takes it back, and what gives
it back again, names the transaction that it reverses, so that an attribution can be reversed and
restored any number of times. All these keys begin with the attribution's reference: a reversal
under another key is somebody else's correction, which stays as it is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from backoffice.records import is_by_staff
from referrals.models import Attribution
from rewards import services as rewards
from rewards.amounts import Amounts, Currency
from rewards.models import Transaction

SYSTEM = "system"
REFEREE_KIND = "referral_referee"
REFERRER_KIND = "referral_referrer"
KINDS = (gettext_noop("referral referee"), gettext_noop("referral referrer"))
# What people read on the ledger; `rewards.services.memo_told` tells it in their language.
ACCEPTING = gettext_noop("Reward for accepting an invitation")
INVITING = gettext_noop("Reward for inviting a friend")
TAKEN_BACK = gettext_noop("Reward for an invitation, taken back")
GIVEN_BACK = gettext_noop("Reward for an invitation, given back")


def lock_balances_of(people: Iterable[int]) -> None:
    """Lock all that these people hold, in the ledger's order, before anything moves.

    A correction posts several times for one person; somebody's spending in between would otherwise
    wait for it crosswise, or change what a preview showed.
    """
    for user_id in sorted(people):
        rewards.lock_balances(user_id, Currency.values)


def pay_referee(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    """Grant the referee what the attribution's terms promise, once; `reason` is for staff."""
    _pay(
        attribution,
        user_id=attribution.referee_id,
        amounts=attribution.terms.referee_amounts,
        kind=REFEREE_KIND,
        key=attribution.referee_key,
        memo=ACCEPTING,
        actor=actor,
        reason=reason,
        now=now,
    )


def pay_referrer(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    """Grant the referrer what the attribution's terms promise, once; `reason` is for staff."""
    _pay(
        attribution,
        user_id=attribution.referrer_id,
        amounts=attribution.terms.referrer_amounts,
        kind=REFERRER_KIND,
        key=attribution.referrer_key,
        memo=INVITING,
        actor=actor,
        reason=reason,
        now=now,
    )


def _pay(
    attribution: Attribution, *, amounts: Amounts, actor: str, reason: str, **grant: Any
) -> None:
    """Grant one side its amounts; terms may promise a side nothing.

    Staff answer for what they bring about; what a claim, an event or time brings, the system pays.
    """
    by_staff = is_by_staff(actor)
    if amounts:
        rewards.grant(
            amounts=amounts,
            reference=attribution.reference,
            actor=actor if by_staff else SYSTEM,
            note=reason if by_staff else "",
            **grant,
        )


def take_back(
    attribution: Attribution, *, actor: str, reason: str, now: datetime, claw_back: bool
) -> set[str]:
    """Take back what stands of both sides' rewards; return the keys of those.

    What has been taken back already, by a reversal of that transaction alone, is left at that. The
    caller holds the locks on the balances, so that no service reverses one at this very moment.
    Raises `InsufficientBalance` unless `claw_back`.
    """
    standing = rewards.standing_by_key(_sides(attribution))
    for transaction in _in_order(attribution, standing):
        rewards.reverse_transaction(
            transaction=transaction,
            reason=TAKEN_BACK,
            note=reason,  # for staff; the line above is for the people
            key=f"{attribution.reference}:reversal:{transaction.pk}",
            actor=actor,
            now=now,
            claw_back=claw_back,
        )
    return set(standing)


def give_back(attribution: Attribution, *, actor: str, reason: str, now: datetime) -> None:
    """Give back what the attribution's own reversal took of both sides' rewards, and no more."""
    taken = rewards.taken_back_by_key(_sides(attribution))
    for reversal in _in_order(attribution, taken):
        if _is_own(reversal, attribution):
            rewards.reverse_transaction(
                transaction=reversal,
                reason=GIVEN_BACK,
                note=reason,
                key=f"{attribution.reference}:restoral:{reversal.pk}",
                actor=actor,
                now=now,
            )


def take_back_as_before(
    old: Attribution, new: Attribution, *, actor: str, reason: str, now: datetime
) -> None:
    """Take the referee's reward for `new` back, as that for `old` had been, apart from both.

    For a move, which hands on what was corrected before. The key is none of `new`'s own, so that
    no restoral of `new` gives back what this took.
    """
    granted = rewards.standing_by_key([new.referee_key])
    for transaction in granted.values():
        rewards.reverse_transaction(
            transaction=transaction,
            reason=TAKEN_BACK,
            note=reason,
            key=f"as_before:{old.reference}:{transaction.pk}",
            actor=actor,
            now=now,
        )


def _sides(attribution: Attribution) -> Sequence[str]:
    return attribution.referee_key, attribution.referrer_key


def _in_order(attribution: Attribution, found: dict[str, Transaction]) -> list[Transaction]:
    return [found[key] for key in _sides(attribution) if key in found]


def _is_own(reversal: Transaction, attribution: Attribution) -> bool:
    # Reversals made before a reversal named its transaction have the side's key and `:reversal`.
    return reversal.idempotency_key.startswith(f"{attribution.reference}:")
