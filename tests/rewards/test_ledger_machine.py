"""Thousands of postings in any order, against a model of a few lines; the ledger is proved too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from rewards.amounts import Amounts, Currency
from rewards.models import Transaction
from rewards.services import (
    AlreadyReversed,
    IdempotencyKeyReused,
    InsufficientBalance,
    balances_of,
    exchange,
    forfeit_balances,
    grant,
    reverse_transaction,
    spend,
    verify_ledger,
)
from tests.rewards.conftest import NOW

PRICE = 15
amounts = st.builds(Amounts, *[st.integers(0, 40)] * 4).filter(bool)
orders = st.lists(st.sampled_from(Currency.values), min_size=1, max_size=4, unique=True)
people = st.integers(0, 1)
places = st.integers(0, 1_000)


@dataclass
class Posted:
    """What the model remembers of a transaction, and how to ask for it once more."""

    made: Transaction
    owner: int
    moved: dict[str, int]
    again: Callable[[], Transaction]
    reversed: bool = False


class Ledger(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.users = [User.objects.create(clerk_id=f"machine_{n}").pk for n in range(2)]
        self.held: list[dict[str, int]] = [dict(Amounts()) for _ in self.users]
        self.posted: list[Posted] = []
        self.keys = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @rule(person=people, amounts=amounts)
    def grants(self, person: int, amounts: Amounts) -> None:
        key = self.new_key()
        self.post(
            person,
            dict(amounts),
            lambda: grant(
                user_id=self.users[person], amounts=amounts, kind="grant", key=key, now=NOW
            ),
        )

    @rule(person=people, amount=st.integers(1, 60), order=orders)
    def spends(self, person: int, amount: int, order: list[str]) -> None:
        key, left, moved = self.new_key(), amount, dict(Amounts())
        for currency in order:
            moved[currency] = -min(left, self.held[person][currency])
            left += moved[currency]
        self.post(
            person,
            None if left else moved,
            lambda: spend(
                user_id=self.users[person],
                amount=amount,
                order=order,
                reason="r",
                key=key,
                actor="a",
                now=NOW,
            ),
        )

    @rule(person=people, units=st.integers(1, 4))
    def exchanges(self, person: int, units: int) -> None:
        key = self.new_key()
        moved = {**dict(Amounts()), "coins": -PRICE * units, "stars": units}
        self.post(
            person,
            moved if self.held[person]["coins"] >= PRICE * units else None,
            lambda: exchange(
                user_id=self.users[person],
                from_="coins",
                to="stars",
                units=units,
                key=key,
                actor="a",
                now=NOW,
            ),
        )

    @rule(place=places, claw_back=st.booleans())
    def reverses(self, place: int, claw_back: bool) -> None:
        if not self.posted:
            return
        original = self.posted[place % len(self.posted)]
        key, held = self.new_key(), self.held[original.owner]
        wanted = {currency: -amount for currency, amount in original.moved.items()}
        moved = {c: max(amount, -held[c]) for c, amount in wanted.items()}

        def reverse() -> Transaction:
            return reverse_transaction(
                transaction=original.made,
                reason="r",
                key=key,
                actor="a",
                now=NOW,
                claw_back=claw_back,
            )

        if original.reversed:
            with pytest.raises(AlreadyReversed):
                reverse()
            return
        allowed = claw_back or moved == wanted
        self.post(original.owner, moved if allowed else None, reverse)
        original.reversed = allowed

    @rule(place=places)
    def repeats(self, place: int) -> None:
        if self.posted:
            earlier = self.posted[place % len(self.posted)]
            again = earlier.again()
            assert again == earlier.made
            assert dict(again.amounts) == earlier.moved

    @rule(place=places, person=people)
    def reuses_a_key(self, place: int, person: int) -> None:
        if self.posted:
            key = self.posted[place % len(self.posted)].made.idempotency_key
            with pytest.raises(IdempotencyKeyReused):
                grant(
                    user_id=self.users[person],
                    amounts=Amounts(exp=999),
                    kind="grant",
                    key=key,
                    now=NOW,
                )

    @rule(person=people)
    def forfeits(self, person: int) -> None:
        lost = forfeit_balances(user_id=self.users[person], reason="r", now=NOW)
        moved = {currency: -amount for currency, amount in self.held[person].items()}
        assert (dict(lost.amounts) if lost else dict(Amounts())) == moved
        self.held[person] = dict(Amounts())

    @invariant()
    def the_balances_are_the_models(self) -> None:
        for user_id, held in zip(self.users, self.held, strict=True):
            assert dict(balances_of(user_id)) == held

    @invariant()
    def the_proof_finds_nothing(self) -> None:
        with connection.cursor() as cursor:  # what PostgreSQL would check at commit
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        assert verify_ledger() == []

    def new_key(self) -> str:
        self.keys += 1
        return f"key {self.keys}"

    def post(
        self, person: int, moved: dict[str, int] | None, verb: Callable[[], Transaction]
    ) -> None:
        """Expect the verb to move this, or (None) to refuse."""
        if moved is None:
            with pytest.raises(InsufficientBalance):
                verb()
            return
        made = verb()
        assert dict(made.amounts) == moved
        for currency, amount in moved.items():
            self.held[person][currency] += amount
        self.posted.append(Posted(made, person, moved, verb))


def test_the_ledger_agrees_with_the_model(db: Any) -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
