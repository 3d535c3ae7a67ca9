"""What staff do with an attribution: approve, reject, reverse, and what that moves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import erase_user
from referrals.models import Attribution, Status
from referrals.services import corrections
from referrals.services.attributions import MoveNotAllowed, move, reverse_attribution
from referrals.services.releases import Released, release_due
from rewards import services as rewards
from rewards.amounts import Amounts
from tests.factories import TermsFactory
from tests.people import Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, invited, timeline, user_of

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)
FIRST_READING = Amounts(free_points=2)


def by_aree(verb: Callable[..., Any], attribution: Attribution, **more: Any) -> Any:
    return verb(
        attribution=attribution,
        actor="staff:aree",
        reason="Looked at it.",
        now=timezone.now(),
        **more,
    )


@pytest.fixture
def held(noks_code: str) -> Attribution:
    """Ploy's attribution to Nok, held for her account's age."""
    ploy = Person("user_ploy", {"first_name": "Ploy"})
    invited(ploy, noks_code)
    return attribution_of(ploy)


def test_approving_pays_the_referee(held: Attribution, ploy: Person, nok: Person) -> None:
    by_aree(corrections.approve, held)

    held.refresh_from_db()
    assert (held.status, held.awaits_age, held.awaits_review) == ("pending", False, False)
    assert balances(ploy) == WELCOME + Amounts(stars=1)
    assert balances(nok) == WELCOME
    entry = held.timeline.last()
    assert (entry.actor, entry.reason) == ("staff:aree", "Looked at it.")


def test_approving_counts_the_events_so_far(
    held: Attribution, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    back_end.report(ploy)

    by_aree(corrections.approve, held)

    assert attribution_of(ploy).status == "rewarded"
    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_rejecting_pays_nobody_for_good(
    held: Attribution, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    by_aree(corrections.reject, held)
    back_end.report(ploy)

    assert attribution_of(ploy).status == "rejected"
    assert balances(ploy) == WELCOME + FIRST_READING
    assert balances(nok) == WELCOME
    assert timeline(held) == [("", "held"), ("held", "rejected")]


def test_reversing_takes_both_rewards_back(
    noks_code: str, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report(ploy)

    by_aree(reverse_attribution, attribution_of(ploy))

    assert attribution_of(ploy).status == "reversed"
    assert balances(ploy) == WELCOME + FIRST_READING
    assert balances(nok) == WELCOME
    kinds = user_of(nok).transactions.order_by("created_at").values_list("kind", flat=True)
    assert list(kinds) == ["reward", "referral_referrer", "reversal"]


def test_reversing_a_pending_one_takes_back_what_was_paid(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)

    by_aree(reverse_attribution, attribution_of(ploy))

    assert balances(ploy) == WELCOME


def test_reversing_during_the_hold_stops_the_release(
    noks_code: str, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=3)
    invited(ploy, noks_code)
    back_end.report(ploy)

    by_aree(reverse_attribution, attribution_of(ploy))

    assert release_due(now=timezone.now() + timedelta(days=4)) == Released()
    assert balances(nok) == WELCOME


def _exchange_away(person: Person, coins_for_stars: int) -> None:
    rewards.exchange(
        user_id=user_of(person).pk,
        from_="coins",
        to="stars",
        units=coins_for_stars,
        key="spent",
        actor=person.clerk_id,
        now=timezone.now(),
    )


def test_what_was_spent_already_is_not_taken_unless_asked(
    noks_code: str, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report(ploy)
    _exchange_away(nok, 2)

    with pytest.raises(rewards.InsufficientBalance):
        by_aree(reverse_attribution, attribution_of(ploy))

    assert attribution_of(ploy).status == "rewarded"
    assert balances(ploy).stars == 1
    assert timeline(attribution_of(ploy))[-1] == ("qualified", "rewarded")


def test_a_claw_back_takes_what_is_left(
    noks_code: str, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report(ploy)
    _exchange_away(nok, 2)

    by_aree(reverse_attribution, attribution_of(ploy), claw_back=True)

    assert balances(nok) == WELCOME + Amounts(stars=2)
    assert balances(ploy) == WELCOME + FIRST_READING


@pytest.mark.parametrize("verb", [corrections.approve, corrections.reject])
@pytest.mark.parametrize("status", ["pending", "rewarded", "reversed"])
def test_only_what_is_held_is_approved_or_rejected(
    noks_code: str,
    ploy: Person,
    back_end: BackEnd,
    verb: Callable[..., Attribution],
    status: str,
) -> None:
    invited(ploy, noks_code)
    if status == "rewarded":
        back_end.report(ploy)
    if status == "reversed":
        by_aree(reverse_attribution, attribution_of(ploy))

    with pytest.raises(MoveNotAllowed):
        by_aree(verb, attribution_of(ploy))

    assert attribution_of(ploy).status == status


def test_what_is_over_is_not_reversed(held: Attribution) -> None:
    with pytest.raises(MoveNotAllowed):
        by_aree(reverse_attribution, held)
    by_aree(corrections.reject, held)
    with pytest.raises(MoveNotAllowed):
        by_aree(reverse_attribution, held)


@pytest.mark.parametrize("start", Status.values)
@pytest.mark.parametrize("end", Status.values)
def test_a_status_moves_only_along_its_way(held: Attribution, start: str, end: str) -> None:
    allowed = {
        ("held", "pending"),
        ("held", "rejected"),
        ("pending", "qualified"),
        ("pending", "reversed"),
        ("qualified", "rewarded"),
        ("qualified", "reversed"),
        ("rewarded", "reversed"),
    }
    if (start, end) in allowed:
        return
    held.status = start

    with pytest.raises(MoveNotAllowed):
        move(held, Status(end), actor="test", reason="", now=timezone.now())

    assert held.timeline.count() == 1


@pytest.mark.parametrize("start", Status.values)
@pytest.mark.parametrize("end", Status.values)
def test_only_what_has_ended_is_undone(held: Attribution, start: str, end: str) -> None:
    allowed = {
        ("rejected", "held"),
        ("reversed", "pending"),
        ("reversed", "qualified"),
        ("reversed", "rewarded"),
    }
    if (start, end) in allowed:
        return
    held.status = start

    with pytest.raises(MoveNotAllowed):
        move(held, Status(end), actor="test", reason="", now=timezone.now(), undoing=True)

    assert held.timeline.count() == 1


def test_a_referee_who_is_gone_is_paid_nothing(held: Attribution, ploy: Person) -> None:
    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    with pytest.raises(MoveNotAllowed):
        by_aree(corrections.approve, held)

    assert not balances(ploy)
