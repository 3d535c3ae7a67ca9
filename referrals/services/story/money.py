"""What the ledger says: who was given what, and what was taken back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Sum
from django.utils.translation import gettext as _

from referrals.models import Attribution
from referrals.services.story.moments import Moment, Tone
from referrals.services.story.sources import Sources
from referrals.services.story.words import called, who_did
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Account, Entry, Transaction
from rewards.wording import in_words

Paid = dict[tuple[str, int], Amounts]
"""What was paid under a reference to a user, net of what was taken back."""


def payments(read: Sources) -> Iterator[Moment]:
    """Tell of every ledger transaction that belongs to the attributions."""
    for transaction in read.transactions:
        yield Moment(
            at=transaction.created_at,
            text=_moved(transaction),
            by=who_did(transaction.actor, read.user),
            links=((_("Transaction"), transaction),),
            details=tuple(_details(transaction)),
            tone=Tone.PLAIN,
        )


def paid_for(attributions: Iterable[Attribution]) -> Paid:
    """Return what each side has of these attributions, net of reversals; one query."""
    references = [attribution.reference for attribution in attributions]
    sums = (
        Entry.objects.filter(transaction__reference__in=references, user__isnull=False)
        .values_list("transaction__reference", "user", "currency")
        .annotate(net=Sum("amount"))
    )
    paid: Paid = defaultdict(Amounts)
    for reference, user_id, currency, net in sums:
        paid[reference, user_id] += Amounts(**{currency: int(net)})
    return paid


def _moved(transaction: Transaction) -> str:
    told = {"who": called(transaction.user), "amounts": in_words(transaction.amounts)}
    is_reversal = transaction.kind == Transaction.REVERSAL
    if not transaction.amounts:
        return _("Nothing was left to take back from %(who)s.") % told
    if any(amount < 0 for _currency, amount in transaction.amounts):
        return _("%(amounts)s taken back from %(who)s.") % told
    if is_reversal:
        return _("%(who)s was given back %(amounts)s.") % told
    return _("%(who)s was given %(amounts)s.") % told


def _details(transaction: Transaction) -> Iterator[str]:
    if transaction.note:
        yield _("Reason: %(reason)s") % {"reason": transaction.note}
    if missing := _shortfall(transaction):
        told = {"who": called(transaction.user), "amounts": in_words(missing)}
        yield _("%(who)s had spent %(amounts)s already; it is recorded as a shortfall.") % told
    if transaction.memo:
        yield _("%(who)s reads: “%(memo)s”") % {
            "who": called(transaction.user),
            "memo": rewards.memo_told(transaction),
        }


def _shortfall(transaction: Transaction) -> Amounts:
    total = Amounts()
    for entry in transaction.entries.all():
        if entry.house == Account.CLAWED_BACK and entry.amount < 0:
            total += Amounts(**{entry.currency: entry.amount})
    return total
