"""Configuration and ledger: faults 15 to 18."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from referrals.models import Attribution
from rewards.amounts import Amounts
from rewards.models import ExchangeRate, RewardRule
from rewards.services import pay_rules
from tests.factories import TermsFactory
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import balances, invited, user_of

pytestmark = pytest.mark.django_db
really_parallel = pytest.mark.django_db(transaction=True)
WELCOME = Amounts(free_points=3)


def test_fault_15_rewards_are_typed_and_what_is_off_pays_nothing(ploy: Person) -> None:
    names = {field.name for field in RewardRule._meta.fields}
    assert not any(f.get_internal_type() == "JSONField" for f in RewardRule._meta.fields)
    assert {"stars", "free_points", "coins", "exp"} <= names
    for column, value in (("coins", -5), ("stars", -1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            RewardRule.objects.filter(name="First reading").update(**{column: value})

    RewardRule.objects.update(is_active=False)

    Browser().sign_in(ploy).me()
    assert not balances(ploy)
    user_id = user_of(ploy).pk
    assert (
        pay_rules(user_id=user_id, trigger="reading.completed", count=1, now=timezone.now()) == []
    )


def test_fault_16_no_person_mints_balances(ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    minting = {"user_id": ploy.clerk_id, "amounts": {"coins": 1000}, "reason": "mine"}

    for method, path in (
        ("POST", "rewards/grants"),
        ("POST", "rewards/spend"),
        ("POST", "events"),
        ("POST", "rewards/transactions"),
    ):
        response = browser.request(method, path, minting, **{"Idempotency-Key": "k"})
        assert response.status_code in {401, 403, 404, 405}, path

    assert balances(ploy) == WELCOME


def test_fault_17_the_ledger_says_what_was_paid_and_every_change_is_on_it(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    browser = invited(ploy, noks_code)
    back_end.report(ploy)

    rows = browser.get("rewards/transactions").json()["results"]

    total = Amounts()
    for row in rows:
        total += Amounts(**row["amounts"])
    assert total == balances(ploy)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_balance SET amount = amount + 100")


@really_parallel
def test_fault_18_parallel_requests_lose_nothing_and_one_rate_is_in_force(
    ploy: Person, back_end: BackEnd
) -> None:
    Browser().sign_in(ploy).me()
    grant = {"user_id": ploy.clerk_id, "amounts": {"coins": 10}, "reason": "bonus"}
    at_once(
        *(
            partial(
                BackEnd(back_end.key).post, "rewards/grants", grant, **{"Idempotency-Key": f"g{n}"}
            )
            for n in range(5)
        )
    )
    assert balances(ploy).coins == 50

    trade = {"from": "coins", "to": "stars", "units": 2}
    answers = at_once(
        *(
            partial(
                Browser().sign_in(ploy).post,
                "rewards/exchange",
                trade,
                **{"Idempotency-Key": f"x{n}"},
            )
            for n in range(3)
        )
    )

    assert Counter(a.status_code for a in answers) == {201: 1, 409: 2}
    assert (balances(ploy).coins, balances(ploy).stars) == (20, 2)
    with pytest.raises(IntegrityError):
        ExchangeRate.objects.create(from_currency="coins", to_currency="stars", price=20)


def test_fault_18_a_hold_does_not_lose_what_is_paid_later(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=7)
    invited(ploy, noks_code)
    back_end.report(ploy)
    Attribution.objects.update(release_at=timezone.now() - timedelta(seconds=1))

    call_command("release_rewards")
    call_command("release_rewards")

    assert balances(nok) == WELCOME + Amounts(coins=50)
