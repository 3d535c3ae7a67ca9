"""What a user holds, and what of it came from where."""

from collections.abc import Iterable

from django.db import connection
from django.utils.translation import gettext_noop

from rewards.amounts import Amounts
from rewards.models import Balance


class InsufficientBalance(Exception):
    """There is not enough on the balance."""

    sentence = gettext_noop("There is not enough on the balance.")


def balances_of(user_id: int) -> Amounts:
    """Return what a user holds now; one query."""
    held = Balance.objects.filter(user_id=user_id).values_list("currency", "amount")
    return Amounts(**dict(held))


def earned(*, user_id: int, kinds: Iterable[str]) -> Amounts:
    """Return what transactions of these kinds brought a user, net of reversals; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_EARNED, {"user_id": user_id, "kinds": list(kinds)})
        return Amounts(**{currency: int(amount) for currency, amount in cursor.fetchall()})


def lock_balances(user_id: int, currencies: Iterable[str]) -> Amounts:
    """Lock these balances until commit, and return them; the others read zero here.

    Whoever decides on a balance calls this first, once, with every currency that is to move: the
    order of the locks is the same as the posting's.
    """
    wanted = sorted({str(currency) for currency in currencies})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, amount FROM rewards_lock_balances(%s::bigint[], %s::text[])",
            [[user_id] * len(wanted), wanted],
        )
        return Amounts(**dict(cursor.fetchall()))


_EARNED = """
WITH RECURSIVE chain AS (
    SELECT id FROM rewards_transaction WHERE user_id = %(user_id)s AND kind = ANY(%(kinds)s)
    UNION ALL
    SELECT later.id FROM rewards_transaction AS later JOIN chain ON later.reverses_id = chain.id
)
SELECT entry.currency, sum(entry.amount)
FROM rewards_entry AS entry JOIN chain ON chain.id = entry.transaction_id
WHERE entry.user_id = %(user_id)s
GROUP BY entry.currency
"""
