"""What PostgreSQL itself refuses, whoever asks: these tests go around the services."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from uuid_utils.compat import uuid7

from accounts.models import User
from rewards.models import Balance, Entry, ExchangeRate, RewardRule, Transaction
from tests.rewards.conftest import NOW

Give = Callable[..., Transaction]


def refused_by(error: pytest.ExceptionInfo[IntegrityError]) -> str | None:
    cause: Any = error.value.__cause__
    return str(cause.diag.constraint_name)


def commit(write: Callable[[], Any]) -> Any:
    """Write, and let the checks that wait for the commit run."""
    with transaction.atomic():
        written = write()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        return written


def write_transaction(user_id: int, *entries: dict[str, Any], **fields: Any) -> Transaction:
    made = Transaction.objects.create(
        **{
            "user_id": user_id,
            "kind": "grant",
            "idempotency_key": str(uuid7()),
            "created_at": NOW,
            **fields,
        }
    )
    Entry.objects.bulk_create(Entry(transaction=made, **entry) for entry in entries)
    return made


def issued(user_id: int, amount: int, currency: str = "coins") -> tuple[dict[str, Any], ...]:
    return (
        {"house": "issued", "currency": currency, "amount": -amount},
        {"user_id": user_id, "currency": currency, "amount": amount},
    )


def test_a_balanced_transaction_is_accepted_and_moves_the_balance(ploys_id: int) -> None:
    commit(lambda: write_transaction(ploys_id, *issued(ploys_id, 5)))
    assert Balance.objects.get(user=ploys_id).amount == 5


def test_an_unbalanced_transaction_is_refused(ploys_id: int) -> None:
    house, user = issued(ploys_id, 5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, house, {**user, "amount": 6}))
    assert refused_by(error) == "transaction_sums_to_zero"


def test_one_currency_does_not_balance_another(ploys_id: int) -> None:
    house, user = issued(ploys_id, 5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, house, {**user, "currency": "stars"}))
    assert refused_by(error) == "transaction_sums_to_zero"


def test_a_transaction_without_entries_is_refused(ploys_id: int) -> None:
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id))
    assert refused_by(error) == "transaction_has_entries"


def test_a_transaction_moves_nobody_elses_amounts(ploys_id: int) -> None:
    mali = User.objects.create(clerk_id="user_mali")
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(mali.pk, 5)))
    assert refused_by(error) == "transaction_moves_one_user"


@pytest.mark.django_db(transaction=True)
def test_a_committed_transaction_takes_no_more_entries(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        Entry.objects.bulk_create(
            Entry(transaction=given, **entry) for entry in issued(ploys_id, 5, "stars")
        )
    assert refused_by(error) == "transaction_is_sealed"


@pytest.mark.parametrize("table", ["rewards_transaction", "rewards_entry"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET id = id",
        "UPDATE {} SET id = id WHERE false",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
    ],
)
def test_legacy_fault_17_the_ledger_is_append_only(give: Give, table: str, statement: str) -> None:
    give(coins=5)
    with pytest.raises(IntegrityError, match="correct it by a reversal"):
        _execute(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rewards_balance SET amount = 100",
        "DELETE FROM rewards_balance",
        "TRUNCATE rewards_balance",
        "INSERT INTO rewards_balance (user_id, currency, amount)"
        " SELECT id, 'stars', 100 FROM accounts_user",
    ],
)
def test_legacy_fault_18_a_balance_is_overwritten_by_nobody(give: Give, statement: str) -> None:
    give(coins=5)
    with pytest.raises(IntegrityError, match="post a transaction"):
        _execute(statement)


def test_a_balance_never_falls_below_zero(give: Give, ploys_id: int) -> None:
    give(coins=5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(ploys_id, -6)))
    assert refused_by(error) == "balance_is_not_negative"


def test_a_transaction_is_reversed_once(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    reversal = {"kind": "reversal", "reverses": given}
    commit(lambda: write_transaction(ploys_id, *issued(ploys_id, -5), **reversal))
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(ploys_id, -5), **reversal))
    assert "reverses_id" in str(refused_by(error))


def test_a_reversal_mirrors_its_original(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    with pytest.raises(IntegrityError) as error:
        commit(
            lambda: write_transaction(
                ploys_id, *issued(ploys_id, -4), kind="reversal", reverses=given
            )
        )
    assert refused_by(error) == "reversal_mirrors_its_original"


def clawed_back(user_id: int, amount: int) -> tuple[dict[str, Any], ...]:
    return (
        {"house": "clawed_back", "currency": "coins", "amount": -amount},
        {"user_id": user_id, "currency": "coins", "amount": amount},
    )


@pytest.mark.parametrize("returned", [4, 6, -5, 500])
def test_what_was_taken_back_is_given_back_in_full_and_no_more(
    give: Give, ploys_id: int, returned: int
) -> None:
    give(coins=50)
    taken = commit(
        lambda: write_transaction(ploys_id, *clawed_back(ploys_id, -5), kind="take_back")
    )
    with pytest.raises(IntegrityError) as error:
        commit(
            lambda: write_transaction(
                ploys_id, *clawed_back(ploys_id, returned), kind="reversal", reverses=taken
            )
        )
    assert refused_by(error) == "reversal_mirrors_its_original"
    commit(
        lambda: write_transaction(
            ploys_id, *clawed_back(ploys_id, 5), kind="reversal", reverses=taken
        )
    )
    assert Balance.objects.get(user=ploys_id, currency="coins").amount == 50


@pytest.mark.parametrize("taken", [-6, 1])
def test_a_reversal_takes_no_more_than_the_original_gave_and_gives_nothing(
    give: Give, ploys_id: int, taken: int
) -> None:
    given = give(coins=5)
    give(coins=50)
    house = {"house": "issued", "currency": "coins", "amount": 5}
    rest = {"house": "clawed_back", "currency": "coins", "amount": -5 - taken}
    user = {"user_id": ploys_id, "currency": "coins", "amount": taken}
    with pytest.raises(IntegrityError) as error:
        commit(
            lambda: write_transaction(ploys_id, house, rest, user, kind="reversal", reverses=given)
        )
    assert refused_by(error) == "reversal_mirrors_its_original"


def test_a_reversal_is_of_the_same_user(give: Give) -> None:
    given = give(coins=5)
    mali = User.objects.create(clerk_id="user_mali")
    commit(lambda: write_transaction(mali.pk, *issued(mali.pk, 5)))
    with pytest.raises(IntegrityError) as error:
        commit(
            lambda: write_transaction(
                mali.pk, *issued(mali.pk, -5), kind="reversal", reverses=given
            )
        )
    assert refused_by(error) == "reversal_mirrors_its_original"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"kind": ""}, "transaction_has_a_kind"),
        ({"idempotency_key": ""}, "transaction_has_a_key"),
        ({"kind": "reversal"}, "transaction_reversal_names_its_original"),
    ],
)
def test_a_transaction_says_what_it_is(
    ploys_id: int, fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(ploys_id, 5), **fields))
    assert refused_by(error) == constraint


def test_only_a_reversal_reverses(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(ploys_id, -5), reverses=given))
    assert refused_by(error) == "transaction_reversal_names_its_original"


def test_legacy_fault_13_a_key_stands_on_the_ledger_once(ploys_id: int) -> None:
    commit(lambda: write_transaction(ploys_id, *issued(ploys_id, 5), idempotency_key="k"))
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, *issued(ploys_id, 5), idempotency_key="k"))
    assert "idempotency_key" in str(refused_by(error))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": 0}, "entry_is_not_zero"),
        ({"currency": "gold"}, "entry_currency_is_known"),
        ({"house": "vault"}, "entry_stands_on_one_account"),
        ({"house": ""}, "entry_stands_on_one_account"),
    ],
)
def test_an_entry_stands_on_one_known_account_in_a_known_currency(
    ploys_id: int, change: dict[str, Any], constraint: str
) -> None:
    house, user = issued(ploys_id, 5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, {**house, **change}, user))
    assert refused_by(error) == constraint


def test_an_entry_is_not_the_users_and_the_houses_at_once(ploys_id: int) -> None:
    house, user = issued(ploys_id, 5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, house, {**user, "house": "issued"}))
    assert refused_by(error) == "entry_stands_on_one_account"


def test_an_account_has_one_entry_per_currency(ploys_id: int) -> None:
    house, user = issued(ploys_id, 5)
    with pytest.raises(IntegrityError) as error:
        commit(lambda: write_transaction(ploys_id, house, house, {**user, "amount": 10}))
    assert refused_by(error) == "entry_is_one_per_account_and_currency"


def test_who_stands_on_the_ledger_cannot_be_deleted(give: Give, ploys_id: int) -> None:
    give(coins=5)
    with pytest.raises(ProtectedError):
        User.objects.get(pk=ploys_id).delete()
    with pytest.raises(IntegrityError):
        commit(lambda: _execute("DELETE FROM accounts_user"))


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"coins": -1}, "reward_rule_coins_are_in_range"),
        ({"exp": 10**12}, "reward_rule_exp_are_in_range"),
        ({"threshold": 0}, "reward_rule_threshold_is_positive"),
        ({"trigger": ""}, "reward_rule_is_named"),
        ({"period": "yearly"}, "reward_rule_period_is_known"),
        ({"active_from": NOW, "active_until": NOW}, "reward_rule_period_is_ordered"),
    ],
)
def test_legacy_fault_15_a_rule_that_makes_no_sense_is_refused(
    db: Any, fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        RewardRule.objects.create(**{"name": "Rule", "trigger": "t", "coins": 1, **fields})
    assert str(refused_by(error)) in {constraint, f"rewards_rewardrule_{next(iter(fields))}_check"}


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"price": 20}, "exchange_rate_is_one_active_per_pair"),
        ({"is_active": False, "price": 0}, "exchange_rate_price_is_in_range"),
        ({"to_currency": "coins"}, "exchange_rate_joins_two_currencies"),
        ({"to_currency": "gold"}, "exchange_rate_currencies_are_known"),
    ],
)
def test_legacy_fault_18_no_second_or_senseless_rate_is_in_force(
    db: Any, fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ExchangeRate.objects.create(
            **{"from_currency": "coins", "to_currency": "stars", "price": 15, **fields}
        )
    assert refused_by(error) == constraint


def test_a_new_installation_begins_with_the_default_rules_and_rate(db: Any) -> None:
    rules = RewardRule.objects.order_by("trigger", "threshold")
    assert [
        (r.trigger, r.threshold, r.period, r.is_active, r.amounts.as_dict()) for r in rules
    ] == [
        ("reading.completed", 1, "once", True, _amounts(free_points=2)),
        ("reading.completed", 10, "once", True, _amounts(coins=25)),
        ("reading.completed", 50, "once", True, _amounts(free_points=5)),
        ("reading.completed", 100, "once", True, _amounts(stars=3)),
        ("user.active", 1, "daily", False, _amounts(coins=5)),
        ("user.provisioned", 1, "once", True, _amounts(free_points=3)),
    ]
    rate = ExchangeRate.objects.get()
    assert (rate.from_currency, rate.to_currency, rate.price) == ("coins", "stars", 15)


def test_the_defaults_never_overwrite_what_staff_made_of_them(db: Any) -> None:
    RewardRule.objects.filter(name="Welcome").update(free_points=9, is_active=False)
    ExchangeRate.objects.update(price=20)
    migration = importlib.import_module("rewards.migrations.0003_default_rules_and_rate")
    migration.create_missing(apps, None)
    assert RewardRule.objects.count() == 6
    assert RewardRule.objects.get(name="Welcome").free_points == 9
    assert ExchangeRate.objects.get().price == 20


def _amounts(**amounts: int) -> dict[str, int]:
    return {"stars": 0, "free_points": 0, "coins": 0, "exp": 0, **amounts}


def _execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(statement)
