"""Thousands of postings in any order, against a model of a few lines; the ledger is proved too.

Staff correct what services and people do, and each other, by the verbs that the admin calls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from rewards.amounts import Amounts, Currency
from rewards.models import GrantRequest, Transaction
from rewards.services import (
    AlreadyReversed,
    IdempotencyKeyReused,
    InsufficientBalance,
    NotWaiting,
    SecondPersonNeeded,
    balances_of,
    exchange,
    forfeit_balances,
    grant,
    reverse_transaction,
    spend,
    verify_ledger,
)
from rewards.services.corrections import AlreadyDone, grant_by_hand, reverse, take_back
from rewards.services.effects import Effect
from rewards.services.grant_requests import approve, refuse
from tests.rewards.conftest import NOW

PRICE = 15
LIMIT = 60
amounts = st.builds(Amounts, *[st.integers(0, 40)] * 4).filter(bool)
orders = st.lists(st.sampled_from(Currency.values), min_size=1, max_size=4, unique=True)
people = st.integers(0, 1)
STAFF = ("aree", "boonmee")
staff = st.sampled_from(STAFF)
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
        self.people = [User.objects.create(clerk_id=f"machine_{n}") for n in range(2)]
        self.users = [user.pk for user in self.people]
        for name in STAFF:
            User.objects.create_user(name)
        self.granted: dict[tuple[int, str], Amounts] = {}
        self.waiting: list[tuple[GrantRequest, int, str]] = []
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

    @rule(person=people, amounts=amounts, by=staff)
    def staff_grant(self, person: int, amounts: Amounts, by: str) -> None:
        """The whole of it is one day: large is what this person has granted in all."""
        form = {**self.signed(by), "nonce": self.nonce(), **amounts.as_dict()}
        effect = grant_by_hand(self.people[person], **form)
        with pytest.raises(AlreadyDone):
            grant_by_hand(self.people[person], **form)
        together = self.granted.get((person, by), Amounts()) + amounts
        if any(amount and getattr(together, name) > LIMIT for name, amount in amounts):
            assert effect.lines == ()
            self.waiting.append((GrantRequest.objects.latest("id"), person, by))
        else:
            self.granted[person, by] = together
            self.corrected(person, dict(amounts), effect)

    @rule(place=places, by=staff, verb=st.sampled_from([approve, refuse]))
    def staff_decide(self, place: int, by: str, verb: Callable[..., Effect]) -> None:
        if not self.waiting:
            return
        request, person, asked_by = self.waiting[place % len(self.waiting)]
        if by == asked_by:
            with pytest.raises(SecondPersonNeeded):
                verb(request, **self.signed(by))
            return
        effect = verb(request, **self.signed(by))
        self.waiting.remove((request, person, asked_by))
        if verb is approve:
            self.corrected(person, dict(request.amounts), effect)
        with pytest.raises(NotWaiting):
            verb(request, **self.signed(by))

    @rule(person=people, amounts=amounts, what_is_left=st.booleans())
    def staff_take_back(self, person: int, amounts: Amounts, what_is_left: bool) -> None:
        form = {**self.signed("aree"), "nonce": self.nonce(), **amounts.as_dict()}
        moved = {name: -min(amount, self.held[person][name]) for name, amount in amounts}
        short = moved != {name: -amount for name, amount in amounts}
        if not any(moved.values()) or (short and not what_is_left):
            with pytest.raises(InsufficientBalance):
                take_back(self.people[person], **form, what_is_left=what_is_left)
            return
        effect = take_back(self.people[person], **form, what_is_left=what_is_left)
        assert bool(effect.moves) == short
        self.corrected(person, moved, effect)

    @rule(place=places, claw_back=st.booleans())
    def staff_reverse(self, place: int, claw_back: bool) -> None:
        """Anything: grants, spends, what was taken back, reversals and their reversals."""
        if not self.posted:
            return
        original = self.posted[place % len(self.posted)]
        asked = {**self.signed("boonmee"), "claw_back": claw_back}
        held = self.held[original.owner]
        wanted = {currency: -amount for currency, amount in original.moved.items()}
        moved = {c: max(amount, -held[c]) for c, amount in wanted.items()}
        if original.reversed:
            with pytest.raises(AlreadyReversed):
                reverse(original.made, **asked)
        elif moved != wanted and not claw_back:
            with pytest.raises(InsufficientBalance):
                reverse(original.made, **asked)
        else:
            effect = reverse(original.made, **asked)
            assert bool(effect.moves) == (moved != wanted)
            self.corrected(original.owner, moved, effect)
            original.reversed = True

    @invariant()
    def the_balances_are_the_models(self) -> None:
        for user_id, held in zip(self.users, self.held, strict=True):
            assert dict(balances_of(user_id)) == held

    @invariant()
    def the_proof_finds_nothing(self) -> None:
        with connection.cursor() as cursor:  # what PostgreSQL would check at commit
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        assert verify_ledger() == []

    def signed(self, by: str) -> dict[str, Any]:
        """Return who acts, why, and when: an effect is told by its moment, so each has its own."""
        self.keys += 1
        now = NOW + timedelta(seconds=self.keys)
        return {"actor": f"staff:{by}", "reason": "r", "now": now}

    def nonce(self) -> UUID:
        self.keys += 1
        return UUID(int=self.keys)

    def corrected(self, person: int, moved: dict[str, int], effect: Effect) -> None:
        """Expect the effect to tell what moves; take it into the model."""
        changes = {b.currency: b.after - b.before for b in effect.balances}
        assert changes == {
            str(Currency(name).label): amount for name, amount in moved.items() if amount
        }
        for currency, amount in moved.items():
            self.held[person][currency] += amount
        made = Transaction.objects.latest("created_at", "id")
        self.posted.append(Posted(made, person, moved, lambda: made))

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


def test_the_ledger_agrees_with_the_model(db: Any, settings: Any) -> None:
    settings.MANUAL_GRANT_LIMIT = LIMIT
    run_state_machine_as_test(
        Ledger,
        settings=hypothesis.settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
