"""The salts of hashed addresses: one a day for all processes, random, deleted when it is over."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import HashSalt
from accounts.services import forget_salts, salt_of, salts_of_the_past
from backoffice.models import SignInAttempts
from backoffice.sign_in.throttle import begin_attempt
from referrals.services.claims import hashed_address
from tests.parallel import at_once
from tests.statements import statements

TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.mark.django_db
def test_each_day_has_a_salt_of_its_own() -> None:
    assert salt_of(TODAY) == salt_of(TODAY)
    assert salt_of(TODAY) != salt_of(YESTERDAY)
    assert len(salt_of(TODAY)) == 64


@pytest.mark.django_db
def test_once_the_salt_is_gone_the_same_address_hashes_otherwise() -> None:
    """So that not even who holds the secret key can try all addresses."""
    before = hashed_address("203.0.113.7", TODAY)
    assert before == hashed_address("203.0.113.7", TODAY)

    HashSalt.objects.all().delete()

    assert hashed_address("203.0.113.7", TODAY) != before


@pytest.mark.django_db
def test_a_rule_that_looks_back_over_midnight_still_has_yesterdays_salt() -> None:
    for day in (YESTERDAY - timedelta(days=1), YESTERDAY, TODAY):
        salt_of(day)

    def kept(hour: int) -> set[date]:
        over = salts_of_the_past(datetime(2026, 11, 22, hour, 30, tzinfo=UTC))
        return set(HashSalt.objects.difference(over).values_list("day", flat=True))

    assert kept(hour=1) == {YESTERDAY, TODAY}
    assert kept(hour=2) == {TODAY}


@pytest.mark.django_db
def test_attempts_to_sign_in_are_hashed_with_it_too() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    begin_attempt(username="aree", address="203.0.113.7", now=now)
    keys = set(SignInAttempts.objects.values_list("key", flat=True))
    HashSalt.objects.all().delete()

    begin_attempt(username="aree", address="203.0.113.7", now=now)

    assert SignInAttempts.objects.exclude(key__in=keys).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_several_who_are_first_one_makes_it_and_all_get_that_one() -> None:
    def first() -> str:
        return salt_of(TODAY)

    found = at_once(*[first] * 6)

    assert set(found) == {HashSalt.objects.get().value}


@pytest.mark.django_db(transaction=True)
def test_a_process_asks_once_a_day() -> None:
    with statements() as sent:
        salt_of(TODAY)
        salt_of(TODAY)

    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
def test_what_may_be_rolled_back_is_not_remembered() -> None:
    """Two processes would else hash the same address differently for the rest of the day."""
    with transaction.atomic():
        lost = salt_of(TODAY)
        transaction.set_rollback(True)

    kept = salt_of(TODAY)
    forget_salts()

    assert kept not in (lost, None)
    assert salt_of(TODAY) == kept
