"""The proof of the ledger finds each kind of fault, planted here with the triggers off."""

from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services import grant, reverse_transaction, spend, verify_ledger
from tests.database import without_triggers
from tests.rewards.conftest import NOW
from tests.statements import statements

Give = Callable[..., Transaction]


@pytest.fixture
def nok(give: Give) -> User:
    """Nok and Ploy both have coins; what is wrong is wrong with Ploy's."""
    nok = User.objects.create(clerk_id="user_nok")
    grant(user_id=nok.pk, amounts=Amounts(coins=5), kind="grant", key="nok", now=NOW)
    give(coins=5)
    return nok


def test_a_sound_ledger_has_no_faults(nok: User, ploys_id: int, give: Give) -> None:
    given = give(coins=5, stars=1)
    spend(user_id=ploys_id, amount=1, order=["stars"], reason="r", key="s", actor="a", now=NOW)
    reverse_transaction(transaction=given, reason="r", key="r", actor="a", now=NOW, claw_back=True)
    assert verify_ledger() == verify_ledger(user_id=ploys_id) == []


@pytest.mark.breaks_the_ledger
@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        (
            "UPDATE rewards_balance SET amount = amount + 1 WHERE user_id = {ploy}",
            {"balance_differs"},
        ),
        ("DELETE FROM rewards_balance WHERE user_id = {ploy}", {"balance_missing"}),
        (
            "INSERT INTO rewards_balance (user_id, currency, amount) VALUES ({ploy}, 'exp', 3)",
            {"balance_differs"},
        ),
        (
            "UPDATE rewards_entry SET amount = amount + 1 WHERE user_id = {ploy}",
            {"transaction_unbalanced", "balance_differs"},
        ),
        (
            "DELETE FROM rewards_entry WHERE transaction_id = '{given}'",
            {"transaction_empty", "balance_differs"},
        ),
        (
            "UPDATE rewards_transaction SET user_id = {nok} WHERE id = '{given}'",
            {"entry_of_another_user"},
        ),
    ],
)
def test_a_fault_is_named(nok: User, ploys_id: int, sql: str, codes: set[str]) -> None:
    given = Transaction.objects.get(user=ploys_id)
    _plant(sql.format(ploy=ploys_id, nok=nok.pk, given=given.pk))
    assert {fault.code for fault in verify_ledger()} == codes
    assert {fault.code for fault in verify_ledger(user_id=ploys_id)} == codes
    assert all(fault.subject and fault.detail.endswith(".") for fault in verify_ledger())


@pytest.mark.breaks_the_ledger
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (
            "UPDATE rewards_entry SET amount = amount * 2 WHERE transaction_id = '{reversal}'",
            "reversal_not_mirrored",
        ),
        (
            "UPDATE rewards_entry SET house = 'expired'"
            " WHERE transaction_id = '{reversal}' AND house <> ''",
            "reversal_not_mirrored",
        ),
        (
            "UPDATE rewards_transaction SET user_id = {nok} WHERE id = '{given}'",
            "reversal_of_another_user",
        ),
    ],
)
def test_a_reversal_that_is_none_is_named(nok: User, ploys_id: int, sql: str, code: str) -> None:
    given = Transaction.objects.get(user=ploys_id)
    reversal = reverse_transaction(transaction=given, reason="r", key="r", actor="a", now=NOW)
    _plant(sql.format(nok=nok.pk, given=given.pk, reversal=reversal.pk))
    found = verify_ledger(user_id=ploys_id)
    assert code in {fault.code for fault in found}
    assert any(str(reversal.pk) in fault.subject for fault in found)


@pytest.mark.breaks_the_ledger
def test_a_fault_of_one_is_not_reported_of_another(nok: User, ploys_id: int) -> None:
    _plant(f"UPDATE rewards_balance SET amount = 99 WHERE user_id = {ploys_id}")
    assert verify_ledger(user_id=nok.pk) == []
    (fault,) = verify_ledger(user_id=ploys_id)
    assert fault.subject == f"user {ploys_id}, coins"
    assert "99" in fault.detail


@pytest.mark.breaks_the_ledger
def test_a_trigger_that_is_switched_off_is_named(give: Give) -> None:
    give(coins=5)
    with without_triggers():
        faults = verify_ledger()
    assert {fault.code for fault in faults} == {"guard_missing"}
    assert len(faults) == 8


def test_the_proof_takes_a_few_statements_however_long_the_ledger(nok: User, give: Give) -> None:
    for _ in range(10):
        give(coins=1)
    with statements() as sent:
        assert verify_ledger() == []
    assert len(sent) <= 8


def _plant(sql: str) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(sql)
