"""What a transaction says to its user, in their language.

Memos are kept in English. Those that the system writes are told in the reader's language; those
that services sent, and the names that staff gave to rules, are told as they are.
"""

from django.utils.translation import gettext as _

from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services.exchanging import KIND as EXCHANGE
from rewards.services.rules import KIND as BY_RULE
from rewards.wording import in_words

SERVICE = "key:"
"""How the actor of a transaction begins that a service has posted."""


def memo_told(transaction: Transaction) -> str:
    """Return the memo in the reader's language; costs a query for an exchange without entries."""
    if transaction.kind == EXCHANGE:
        return _exchange_told(transaction.amounts)
    if transaction.kind == BY_RULE or transaction.actor.startswith(SERVICE):
        return transaction.memo
    return _(transaction.memo)


def _exchange_told(amounts: Amounts) -> str:
    spent = Amounts(**{currency: max(-amount, 0) for currency, amount in amounts})
    bought = Amounts(**{currency: max(amount, 0) for currency, amount in amounts})
    return _("%(spent)s for %(bought)s") % {"spent": in_words(spent), "bought": in_words(bought)}
