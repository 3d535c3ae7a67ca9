"""Paying the inviter: faults 12 to 14."""

from unittest.mock import patch

import pytest
from django.utils import timezone

from referrals.models import QualifyingEvent
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.back_end import BackEnd, an_event
from tests.referrals.story import attribution_of, balances, invited

pytestmark = pytest.mark.django_db
WELCOME = Amounts(free_points=3)


def test_fault_12_only_the_first_reading_pays_and_it_always_does(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy)
    with patch("referrals.services.events.qualify", side_effect=ConnectionError):
        assert back_end.post("events", sent).status_code == 500
    assert not QualifyingEvent.objects.exists()

    assert back_end.post("events", sent).status_code == 201
    for _ in range(3):
        back_end.report(ploy)

    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_fault_13_a_payment_is_named_for_what_it_pays_and_cannot_be_lost(
    noks_code: str, nok: Person, back_end: BackEnd
) -> None:
    moment = timezone.now()
    guests = [newcomer(f"Guest{n}") for n in range(3)]
    for guest in guests:
        invited(guest, noks_code)
    with patch("django.utils.timezone.now", return_value=moment):  # all in one millisecond
        back_end.report_all([an_event(guest) for guest in guests])

    assert balances(nok) == WELCOME + Amounts(coins=150)
    paid = Transaction.objects.filter(kind="referral_referrer")
    assert {transaction.idempotency_key for transaction in paid} == {
        attribution_of(guest).referrer_key for guest in guests
    }


def test_fault_14_replaying_or_not_signing_the_processing_call_pays_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy)
    refused(Browser().post("events", sent), 401, "api_key_missing")

    codes = [back_end.post("events", sent).status_code for _ in range(3)]

    assert codes == [201, 200, 200]
    assert balances(nok) == WELCOME + Amounts(coins=50)
