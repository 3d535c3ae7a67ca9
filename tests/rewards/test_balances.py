"""What a user holds, has earned, and loses when they go."""

from collections.abc import Callable

from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services import (
    balances_of,
    earned,
    forfeit_balances,
    grant,
    reverse_transaction,
    transactions_by_key,
)
from tests.rewards.conftest import NOW
from tests.statements import statements

Give = Callable[..., Transaction]


def test_somebody_new_holds_nothing(ploys_id: int) -> None:
    with statements() as sent:
        assert balances_of(ploys_id) == Amounts()
    assert len(sent) == 1


def test_what_is_earned_is_counted_by_kind_and_net_of_reversals(ploys_id: int) -> None:
    for key, kind in (("a", "referral"), ("b", "referral"), ("c", "gift")):
        made = grant(user_id=ploys_id, amounts=Amounts(coins=5), kind=kind, key=key, now=NOW)
    assert earned(user_id=ploys_id, kinds=["referral"]) == Amounts(coins=10)
    first = transactions_by_key(["a"])["a"]
    gone = reverse_transaction(transaction=first, reason="r", key="r", actor="a", now=NOW)
    assert earned(user_id=ploys_id, kinds=["referral"]) == Amounts(coins=5)
    reverse_transaction(transaction=gone, reason="r", key="rr", actor="a", now=NOW)
    with statements() as sent:
        assert earned(user_id=ploys_id, kinds=["referral", "gift"]) == Amounts(coins=15)
    assert len(sent) == 1
    assert made.amounts == Amounts(coins=5)


def test_transactions_are_found_by_key_with_their_amounts(give: Give) -> None:
    given = give(coins=5)
    with statements() as sent:
        found = transactions_by_key(["given 0", "unknown"])
        assert found["given 0"].amounts == Amounts(coins=5)
    assert found == {"given 0": given}
    assert len(sent) == 2
    assert transactions_by_key([]) == {}


def test_who_goes_forfeits_everything(give: Give, ploys_id: int) -> None:
    give(coins=5, stars=1, exp=9)
    lost = forfeit_balances(user_id=ploys_id, reason="Account deleted", now=NOW)
    assert lost
    assert (lost.kind, lost.memo) == ("forfeit", "Account deleted")
    assert lost.amounts == Amounts(coins=-5, stars=-1, exp=-9)
    assert balances_of(ploys_id) == Amounts()
    assert set(lost.entries.filter(user=None).values_list("house", flat=True)) == {"expired"}


def test_who_has_nothing_forfeits_nothing(ploys_id: int) -> None:
    assert forfeit_balances(user_id=ploys_id, reason="Account deleted", now=NOW) is None
