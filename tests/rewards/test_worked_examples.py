"""The ledger told as stories, entry by entry; `docs/ledger.md` tells the same ones."""

from collections.abc import Callable
from typing import Any

from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services import balances_of, exchange, grant, pay_rules, reverse_transaction, spend
from tests.rewards.conftest import NOW


def lines(transaction: Transaction) -> dict[tuple[str, str], int]:
    """Return each entry by account and currency."""
    entries = Transaction.objects.get(pk=transaction.pk).entries.all()
    return {(entry.house or "ploy", entry.currency): entry.amount for entry in entries}


def test_ploys_first_week(ploys_id: int) -> None:
    """Welcomed, invited by Nok, reads four times, saves up, and buys a star."""
    (welcome,) = pay_rules(user_id=ploys_id, trigger="user.provisioned", count=1, now=NOW)
    assert lines(welcome) == {("issued", "free_points"): -3, ("ploy", "free_points"): 3}

    invited = grant(
        user_id=ploys_id,
        amounts=Amounts(stars=1),
        kind="referral_referee",
        key="attribution 7, referee",
        reference="attribution 7",
        now=NOW,
    )
    assert lines(invited) == {("issued", "stars"): -1, ("ploy", "stars"): 1}
    assert balances_of(ploys_id) == Amounts(stars=1, free_points=3)

    read = _read(ploys_id, times=4)
    assert lines(read) == {
        ("redeemed", "free_points"): 3,
        ("redeemed", "stars"): 1,
        ("ploy", "free_points"): -3,
        ("ploy", "stars"): -1,
    }

    pay_rules(user_id=ploys_id, trigger="reading.completed", count=10, now=NOW)
    bought = exchange(
        user_id=ploys_id, from_="coins", to="stars", units=1, key="x", actor="ploy", now=NOW
    )
    assert lines(bought) == {
        ("exchanged", "coins"): 15,
        ("exchanged", "stars"): -1,
        ("ploy", "coins"): -15,
        ("ploy", "stars"): 1,
    }
    assert balances_of(ploys_id) == Amounts(stars=1, coins=10)


def test_somchais_reward_is_taken_back_when_half_of_it_is_gone(
    give: Callable[..., Any], ploys_id: int
) -> None:
    """The user gives what is left, the house bears the rest, and what was issued is taken back."""
    given = give(stars=4)
    _read(ploys_id, times=3)
    taken = reverse_transaction(
        transaction=given, reason="Abuse", key="r", actor="aree", now=NOW, claw_back=True
    )
    assert lines(taken) == {
        ("issued", "stars"): 4,
        ("ploy", "stars"): -1,
        ("clawed_back", "stars"): -3,
    }
    assert balances_of(ploys_id) == Amounts()

    mistaken = reverse_transaction(
        transaction=taken, reason="It was not abuse", key="rr", actor="aree", now=NOW
    )
    assert lines(mistaken) == {
        ("issued", "stars"): -4,
        ("ploy", "stars"): 1,
        ("clawed_back", "stars"): 3,
    }
    assert balances_of(ploys_id) == Amounts(stars=1)


def _read(user_id: int, *, times: int) -> Transaction:
    return spend(
        user_id=user_id,
        amount=times,
        order=["free_points", "stars"],
        reason="Readings",
        key="read",
        actor="readings",
        now=NOW,
    )
