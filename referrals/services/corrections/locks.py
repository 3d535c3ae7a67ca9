"""Take every lock of a correction, in the project's order, before it looks at anything."""

from collections.abc import Iterable

from referrals.models import Attribution
from referrals.services.attributions import lock_with_people
from referrals.services.corrections.effects import people_of
from referrals.services.payments import lock_balances_of


def lock_all(attributions: Iterable[Attribution], *also: int) -> list[Attribution]:
    """Lock people (`also` these), attributions, and what those people hold.

    Returns the attributions as they are now, in the order in which they were made.
    """
    locked = lock_with_people(attributions, also)
    lock_balances_of(people_of(locked) | set(also))
    return locked


def lock_one(attribution: Attribution, *also: int) -> Attribution:
    return lock_all([attribution], *also)[0]
