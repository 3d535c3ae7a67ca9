"""Corrections that meet claims, events, releases and each other at the same moment."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import erase_user
from referrals.models import Attribution, ReferralCode
from referrals.services import corrections
from referrals.services.releases import release_due
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.parallel import race
from tests.people import Browser, Person, newcomer
from tests.referrals.aree import by_aree, held_by
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db(transaction=True)

WELCOME = Amounts(free_points=3)


@pytest.fixture
def malis(mali: Person) -> ReferralCode:
    return ReferralCode.objects.get(code=code_of(mali))


@pytest.fixture
def pending(noks_code: str, ploy: Person, malis: ReferralCode) -> Attribution:
    invited(ploy, noks_code)
    return attribution_of(ploy)


def done(verb: Callable[..., Any], subject: Any, **more: Any) -> Callable[[], Any]:
    """Return the correction to be raced, done without a look at it."""
    return partial(verb, subject, actor="staff:aree", reason="Now", now=timezone.now(), **more)


def refusals(outcomes: list[Any]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes if isinstance(outcome, Exception))


@pytest.mark.parametrize("attempt", range(3))
def test_of_a_restoral_and_a_new_attribution_one_stands(
    pending: Attribution, malis: ReferralCode, ploy: Person, attempt: int
) -> None:
    by_aree(corrections.reverse, pending)

    outcomes = race(
        [
            done(corrections.restore, pending),
            done(corrections.attribute_by_hand, user_of(ploy), code=malis),
            partial(Browser().sign_in(ploy).claim, malis.code),
        ]
    )

    assert refusals(outcomes) == {"AnotherStands": 1}
    assert Attribution.objects.live().count() == 1
    assert balances(ploy) == WELCOME + Amounts(stars=1)


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_moves_at_once_one_is_done(
    pending: Attribution, malis: ReferralCode, ploy: Person, attempt: int
) -> None:
    other = ReferralCodeFactory()

    outcomes = race(
        [done(corrections.move_to_referrer, pending, code=code) for code in (malis, other)]
    )

    assert refusals(outcomes) == {"MoveNotAllowed": 1}
    assert Attribution.objects.live().get().replaces == pending
    assert balances(ploy) == WELCOME + Amounts(stars=1)


@pytest.mark.parametrize("attempt", range(3))
def test_a_move_and_the_event_that_qualifies_pay_one_referrer(
    pending: Attribution,
    malis: ReferralCode,
    nok: Person,
    ploy: Person,
    mali: Person,
    back_end: BackEnd,
    attempt: int,
) -> None:
    outcomes = race(
        [
            done(corrections.move_to_referrer, pending, code=malis),
            partial(BackEnd(back_end.key).report, ploy),
        ]
    )

    assert not refusals(outcomes)
    live = Attribution.objects.live().get()
    assert (live.status, live.code) == ("rewarded", malis)
    assert (balances(nok), balances(mali)) == (WELCOME, WELCOME + Amounts(coins=50))


@pytest.mark.parametrize("attempt", range(3))
def test_a_reversal_and_a_release_end_with_nobody_paid(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd, attempt: int
) -> None:
    TermsFactory(hold_days=1)
    invited(ploy, noks_code)
    back_end.report(ploy)

    outcomes = race(
        [
            done(corrections.reverse, attribution_of(ploy)),
            partial(release_due, now=timezone.now() + timedelta(days=2)),
        ]
    )

    assert not refusals(outcomes)
    assert attribution_of(ploy).status == "reversed"
    assert balances(nok) == WELCOME


@pytest.mark.parametrize("attempt", range(3))
def test_a_reversal_and_a_service_that_reverses_the_reward_take_it_back_once(
    pending: Attribution, ploy: Person, attempt: int
) -> None:
    granted = Transaction.objects.get(idempotency_key=pending.referee_key)

    outcomes = race(
        [
            done(corrections.reverse, pending),
            partial(
                rewards.reverse_transaction,
                transaction=granted,
                reason="r",
                key="service",
                actor="key:1",
                now=timezone.now(),
            ),
        ]
    )

    assert refusals(outcomes) in ({}, {"AlreadyReversed": 1}, {"InsufficientBalance": 1})
    assert not isinstance(outcomes[0], Exception)
    assert balances(ploy) == WELCOME


@pytest.mark.parametrize("attempt", range(3))
def test_a_move_and_the_deletion_of_the_new_referrer_leave_them_nothing(
    pending: Attribution, malis: ReferralCode, ploy: Person, mali: Person, back_end: BackEnd,
    attempt: int,
) -> None:  # fmt: skip
    back_end.report(ploy)

    race(
        [
            done(corrections.move_to_referrer, pending, code=malis),
            partial(erase_user, clerk_id=mali.clerk_id, now=timezone.now()),
        ]
    )

    assert not balances(mali)


@pytest.mark.parametrize("attempt", range(3))
def test_a_ring_of_corrections_and_a_claim_does_not_close(attempt: int) -> None:
    people = [newcomer(name) for name in ("One", "Two", "Three", "Four")]
    for person in people:
        person.claims["account_created_at"] = people[0].claims["account_created_at"]
    codes = [code_of(p, address=f"198.51.100.{n}") for n, p in enumerate(people)]
    one, two, three, four = people
    invited(one, codes[1])
    by_aree(corrections.reverse, attribution_of(one))

    race(
        [
            done(corrections.restore, attribution_of(one)),
            partial(Browser().sign_in(two).claim, codes[2]),
            partial(Browser().sign_in(three).claim, codes[3]),
            done(
                corrections.attribute_by_hand,
                user_of(four),
                code=ReferralCode.objects.get(code=codes[0]),
            ),
        ]
    )

    assert Attribution.objects.live().count() == 3


@pytest.mark.parametrize("attempt", range(2))
def test_decisions_on_overlapping_piles_both_come_to_an_end(
    noks_code: str, nok: Person, attempt: int
) -> None:
    codes = [noks_code, ReferralCodeFactory().code]
    guests = [newcomer(f"Guest{n}", email=f"g{n}@mailinator.com") for n in range(6)]
    for n, guest in enumerate(guests):
        invited(guest, codes[n % 2])
    held = list(Attribution.objects.order_by("pk"))

    outcomes = race(
        [
            done(corrections.decide_held, held[:4], decision="approve"),
            done(corrections.decide_held, held[::-1][:4], decision="reject"),
        ]
    )

    assert not refusals(outcomes)
    assert Attribution.objects.filter(status="held").count() == 0
    paid = sum(amounts["stars"] for amounts in held_by(*guests))
    assert paid == Attribution.objects.filter(status="pending").count()
