"""Whom somebody invited, and what each brought."""

from dataclasses import dataclass

from accounts.models import User
from referrals.models import Attribution
from referrals.services.story.money import paid_for
from referrals.services.story.summary import sides
from rewards.amounts import Amounts

MOST = 50


@dataclass(frozen=True, slots=True)
class Invited:
    """One attribution of an inviter, with what each side has from it by now."""

    attribution: Attribution
    to_referee: Amounts
    to_referrer: Amounts


def invited_by(user: User) -> tuple[list[Invited], bool]:
    """Return the newest attributions of an inviter, and whether there are more; two queries."""
    made = Attribution.objects.with_names().filter(referrer=user).order_by("-claimed_at", "-id")
    found = list(made[: MOST + 1])
    newest = found[:MOST]
    paid = paid_for(newest)
    return [Invited(a, *sides(a, paid)) for a in newest], len(found) > MOST
