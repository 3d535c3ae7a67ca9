"""What a correction brings about: shown to staff before it is done, and compared when it is."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import BigIntegerField, Func, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from rewards.amounts import Currency
from rewards.models import Account, Balance, Entry, Transaction


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry, in words; `account` is "their own" or one of the house's."""

    who: str
    account: str
    currency: str
    amount: int
    memo: str

    @property
    def shown(self) -> str:
        return f"{self.amount:+,}"


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What somebody holds of a currency, before and after."""

    who: str
    currency: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """State moves (sentences), every ledger line and every resulting balance."""

    moves: tuple[str, ...] = ()
    lines: tuple[LedgerLine, ...] = ()
    balances: tuple[BalanceChange, ...] = ()

    @property
    def digest(self) -> str:
        """Tell two effects apart: by what moves, from which balances to which."""
        content = {name: sorted(map(str, rows)) for name, rows in asdict(self).items()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def effect_on(*, user_ids: Iterable[int], now: datetime, moves: Sequence[str] = ()) -> Effect:
    """Return what the present database transaction has posted at `now` for these users.

    Call it after the verbs, in their transaction: the balances that it reads are locked by then.
    """
    people = get_user_model().objects.in_bulk(list(user_ids))
    entries = _posted(people, now)
    changed: dict[tuple[int, str], int] = {}
    for entry in entries:
        if entry.user_id is not None:
            place = (entry.user_id, entry.currency)
            changed[place] = changed.get(place, 0) + entry.amount
    return Effect(
        moves=tuple(moves),
        lines=tuple(_line(entry, people) for entry in entries),
        balances=tuple(_changes(changed, people)),
    )


def _posted(people: dict[int, Any], now: datetime) -> list[Entry]:
    this_transaction = Cast(
        Cast(Func(function="pg_current_xact_id"), TextField()), BigIntegerField()
    )
    # By user and time, as the index is.
    made = Transaction.objects.filter(
        user__in=people, created_at=now, sealed_in=this_transaction
    ).order_by("pk")
    entries = Entry.objects.filter(transaction__in=made).select_related("transaction")
    return list(entries.order_by("transaction", "pk"))


def _line(entry: Entry, people: dict[int, Any]) -> LedgerLine:
    owner = people[entry.transaction.user_id]
    return LedgerLine(
        who=owner.known_as,
        account=_account(entry),
        currency=str(Currency(entry.currency).label),
        amount=entry.amount,
        memo=_(entry.transaction.memo),
    )


def _account(entry: Entry) -> str:
    if not entry.house:
        return _("their own")
    return _("the house: %(account)s") % {"account": Account(entry.house).label.lower()}


def _changes(
    changed: dict[tuple[int, str], int], people: dict[int, Any]
) -> Iterable[BalanceChange]:
    held = {
        (balance.user_id, balance.currency): balance.amount
        for balance in Balance.objects.filter(user__in=people)
    }
    for (user_id, currency), change in sorted(changed.items()):
        after = held.get((user_id, currency), 0)
        label = str(Currency(currency).label)
        yield BalanceChange(people[user_id].known_as, label, after - change, after)
