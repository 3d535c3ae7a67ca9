"""Many at once, with real threads and connections; the ledger is proved after each."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services import (
    AlreadyReversed,
    balances_of,
    exchange,
    grant,
    pay_rules,
    reverse_transaction,
    spend,
    verify_ledger,
)
from tests.parallel import race
from tests.people import Browser, Person
from tests.rewards.conftest import NOW, Service

pytestmark = pytest.mark.django_db(transaction=True)

Give = Callable[..., Transaction]
CROWD = 8


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def spend_one(user_id: int, key: str, order: tuple[str, ...] = ("free_points", "stars")) -> Any:
    return spend(
        user_id=user_id, amount=1, order=order, reason="Read", key=key, actor="test", now=NOW
    )


def test_parallel_spends_share_a_small_balance(give: Give, ploys_id: int) -> None:
    give(free_points=2, stars=1)
    results = race([partial(spend_one, ploys_id, f"s{n}") for n in range(CROWD)])
    assert outcomes(results) == {"Transaction": 3, "InsufficientBalance": CROWD - 3}
    assert balances_of(ploys_id) == Amounts()


def test_parallel_grants_to_somebody_new_are_all_counted(ploys_id: int) -> None:
    results = race(
        [
            partial(
                grant,
                user_id=ploys_id,
                amounts=Amounts(1, 1, 1, 1),
                kind="grant",
                key=f"g{n}",
                now=NOW,
            )
            for n in range(CROWD)
        ]
    )
    assert outcomes(results) == {"Transaction": CROWD}
    assert balances_of(ploys_id) == Amounts(CROWD, CROWD, CROWD, CROWD)


def test_legacy_fault_18_parallel_exchanges_never_go_below_zero(give: Give, ploys_id: int) -> None:
    give(coins=45)
    results = race(
        [
            partial(
                exchange,
                user_id=ploys_id,
                from_="coins",
                to="stars",
                units=1,
                key=f"x{n}",
                actor="test",
                now=NOW,
            )
            for n in range(CROWD)
        ]
    )
    assert outcomes(results) == {"Transaction": 3, "InsufficientBalance": CROWD - 3}
    assert balances_of(ploys_id) == Amounts(stars=3)


def test_one_key_at_once_is_one_transaction(ploys_id: int) -> None:
    pay = partial(pay_rules, user_id=ploys_id, trigger="user.provisioned", count=1, now=NOW)
    results: Any = race([pay] * CROWD)
    assert len({paid.pk for (paid,) in results}) == 1
    assert balances_of(ploys_id) == Amounts(free_points=3)


def test_one_spend_repeated_at_once_is_one_spend(give: Give, ploys_id: int) -> None:
    give(stars=1)
    results = race([partial(spend_one, ploys_id, "once")] * CROWD)
    assert outcomes(results) == {"Transaction": CROWD}
    assert Transaction.objects.filter(kind="spend").count() == 1


def test_a_transaction_is_reversed_once_however_many_try(give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    give(coins=500)
    results = race(
        [
            partial(
                reverse_transaction,
                transaction=given,
                reason="Mistake",
                key=f"r{n}",
                actor="aree",
                now=NOW,
            )
            for n in range(CROWD)
        ]
    )
    assert outcomes(results) == {"Transaction": 1, AlreadyReversed.__name__: CROWD - 1}
    assert balances_of(ploys_id) == Amounts(coins=500)


def test_opposite_orders_do_not_deadlock(give: Give, ploys_id: int) -> None:
    give(free_points=100, stars=100, coins=300)

    def many(number: int) -> None:
        for turn in range(15):
            key = f"{number} {turn}"
            if number % 4 == 0:
                spend_one(ploys_id, key, ("stars", "free_points"))
            elif number % 4 == 1:
                spend_one(ploys_id, key, ("free_points", "stars"))
            elif number % 4 == 2:
                amounts = Amounts(stars=1, free_points=1, coins=1, exp=1)
                grant(user_id=ploys_id, amounts=amounts, kind="grant", key=key, now=NOW)
            else:
                exchange(
                    user_id=ploys_id,
                    from_="coins",
                    to="stars",
                    units=1,
                    key=key,
                    actor="test",
                    now=NOW,
                )

    assert race([partial(many, number) for number in range(4)]) == [None] * 4


def test_locks_are_taken_in_one_order_though_entries_come_in_another(db: Any) -> None:
    people = [User.objects.create(clerk_id=f"user_{n}").pk for n in range(6)]

    def pay_all(order: list[int], name: str) -> None:
        """Post for all in one statement, as an import does, entries in this order."""
        for turn in range(10):
            _post_raw(order, f"{name} {turn}")

    results = race([partial(pay_all, people, "up"), partial(pay_all, people[::-1], "down")])
    assert results == [None, None]
    assert balances_of(people[0]) == balances_of(people[-1]) == Amounts(coins=20, stars=20)


def test_a_lock_on_the_user_does_not_deadlock_with_a_posting(give: Give, ploys_id: int) -> None:
    give(stars=50)

    def under_the_users_lock(key: str) -> None:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=ploys_id)
            grant(user_id=ploys_id, amounts=Amounts(stars=1), kind="grant", key=key, now=NOW)

    def plainly(key: str) -> None:
        spend_one(ploys_id, key, ("stars",))

    runners = [
        partial(verb, f"{verb.__name__} {n}")
        for n in range(5)
        for verb in (under_the_users_lock, plainly)
    ]
    assert race(runners) == [None] * 10


def test_a_second_request_under_a_key_waits_for_the_first_and_replays_it(
    service: Service, give: Give, ploys_id: int
) -> None:
    give(stars=1)
    body = {"user_id": "user_ploy", "amount": 1, "from": ["stars"], "reason": "Read"}

    def send(_: int) -> Any:
        return service.post("rewards/spend", body, **{"Idempotency-Key": "once"})

    responses: Any = race([partial(send, n) for n in range(CROWD)])
    assert {response.status_code for response in responses} == {201}
    assert all(response.json() == responses[0].json() for response in responses)
    replayed = Counter(response.headers.get("Idempotency-Replayed") for response in responses)
    assert replayed == {None: 1, "true": CROWD - 1}
    assert Transaction.objects.filter(kind="spend").count() == 1


def test_the_second_request_really_waits(service: Service, ploys_id: int) -> None:
    body = {"user_id": "user_ploy", "amounts": {"coins": 5}, "reason": "Sorry"}
    path, key = "rewards/grants", {"Idempotency-Key": "once"}
    reserved, release = threading.Event(), threading.Event()

    def hold_the_key() -> None:
        """Stand in for a first request that still runs, and then fails."""
        with transaction.atomic():
            IdempotencyRecord.objects.create(
                caller=_caller(service), key="once", fingerprint="f", body={}, created_at=NOW
            )
            reserved.set()
            assert release.wait(20)
            transaction.set_rollback(True)

    def second() -> float:
        assert reserved.wait(20)
        threading.Timer(0.3, release.set).start()
        begun = time.monotonic()
        assert service.post(path, body, **key).status_code == 201
        return time.monotonic() - begun

    _, waited = race([hold_the_key, second])
    assert isinstance(waited, float)
    assert waited >= 0.29
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_parallel_exchanges_over_http_buy_what_the_coins_allow(
    give: Give, ploys_id: int, ploy: Person
) -> None:
    give(coins=30)

    def buy(number: int) -> Any:
        return (
            Browser()
            .sign_in(ploy)
            .post(
                "rewards/exchange",
                {"from": "coins", "to": "stars", "units": 1},
                **{"Idempotency-Key": str(number)},
            )
        )

    responses: Any = race([partial(buy, n) for n in range(CROWD)])
    assert Counter(response.status_code for response in responses) == {201: 2, 409: CROWD - 2}
    assert balances_of(ploys_id) == Amounts(stars=2)


def test_the_proof_is_right_while_the_ledger_moves(give: Give, ploys_id: int) -> None:
    give(stars=100)
    done = threading.Event()

    def move() -> None:
        try:
            for n in range(40):
                spend_one(ploys_id, f"s{n}", ("stars",))
        finally:
            done.set()

    def prove() -> list[Any]:
        found: list[Any] = []
        while not done.is_set():
            found += verify_ledger()
        return found

    assert race([move, prove]) == [None, []]


def _caller(service: Service) -> str:
    from accounts.services import authenticate_api_key

    return authenticate_api_key(key=service.api_key, now=NOW).caller


def _post_raw(users: list[int], name: str) -> None:
    entries = [
        (user, currency, amount)
        for user in users
        for currency in (("coins", "stars") if name[0] == "u" else ("stars", "coins"))
        for amount in (-1, 1)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "WITH made AS ("
            " INSERT INTO rewards_transaction (id, user_id, kind, idempotency_key, fingerprint,"
            "  reference, memo, actor, created_at)"
            " SELECT gen_random_uuid(), u, 'bulk', %(name)s || ' ' || u, '', '', '', '', now()"
            " FROM unnest(%(users)s::bigint[]) AS u RETURNING id, user_id"
            ") INSERT INTO rewards_entry (transaction_id, user_id, house, currency, amount)"
            " SELECT made.id, CASE WHEN e.amount > 0 THEN e.u END,"
            "  CASE WHEN e.amount > 0 THEN '' ELSE 'issued' END, e.currency, e.amount"
            " FROM unnest(%(of)s::bigint[], %(currencies)s::text[], %(amounts)s::bigint[])"
            "  AS e(u, currency, amount) JOIN made ON made.user_id = e.u",
            {
                "name": name,
                "users": users,
                "of": [user for user, _, _ in entries],
                "currencies": [currency for _, currency, _ in entries],
                "amounts": [amount for _, _, amount in entries],
            },
        )
