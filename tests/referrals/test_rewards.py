"""`GET /referrals/rewards`: what is advertised is what is paid."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import Program
from rewards.amounts import Amounts
from tests.factories import TermsFactory
from tests.people import Browser, Person
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import balances, invited

pytestmark = pytest.mark.django_db


def test_the_first_terms_are_shown() -> None:
    assert Browser().get("referrals/rewards").json() == {
        "program": "default",
        "terms_version": 1,
        "referee": {"stars": 1, "free_points": 0, "coins": 0, "exp": 0},
        "referrer": {"stars": 0, "free_points": 0, "coins": 50, "exp": 0},
        "qualifying_event": {"type": "reading.completed", "count": 1},
    }


def test_new_terms_are_shown_once_they_are_in_force() -> None:
    TermsFactory(referrer_coins=70, qualifying_event_count=2)
    TermsFactory(referrer_coins=90, effective_from=timezone.now() + timedelta(hours=1))

    shown = Browser().get("referrals/rewards").json()

    assert shown["terms_version"] == 2
    assert shown["referrer"]["coins"] == 70
    assert shown["qualifying_event"]["count"] == 2


def test_what_is_shown_is_what_is_paid(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(referee_coins=3, referee_exp=4, referrer_stars=2, referrer_coins=0)
    shown = Browser().get("referrals/rewards").json()
    before = balances(nok)

    invited(ploy, noks_code)
    after_claim = balances(ploy)
    back_end.report(ploy)

    assert (after_claim + Amounts(free_points=-3)).as_dict() == shown["referee"]
    assert (balances(nok) + -before).as_dict() == shown["referrer"]


def test_a_program_that_does_not_run_promises_nothing() -> None:
    Program.objects.update(is_active=False)

    refused(Browser().get("referrals/rewards"), 422, "program_inactive")
