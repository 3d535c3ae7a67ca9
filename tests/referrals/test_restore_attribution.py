"""Staff undo a reversal or a rejection: everything is as it was, however often."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from referrals.models import Attribution, ReferralCode, Status
from referrals.services import corrections
from referrals.services.attributions import move
from referrals.services.releases import Released, release_due
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person
from tests.referrals.aree import by_aree, fresh, held_by
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, code_of, invited, timeline, user_of

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


@pytest.fixture
def pending(noks_code: str, ploy: Person) -> Attribution:
    """Nok invited Ploy, who has not read yet."""
    invited(ploy, noks_code)
    return attribution_of(ploy)


@pytest.fixture
def rewarded(pending: Attribution, ploy: Person, back_end: BackEnd) -> Attribution:
    """Nok invited Ploy, who has read: Ploy has a star for it, Nok 50 coins."""
    back_end.report(ploy)
    return fresh(pending)


def spend(person: Person, amount: int, *order: str) -> None:
    rewards.spend(
        user_id=user_of(person).pk,
        amount=amount,
        order=order,
        reason="A candle",
        key=f"candle {Transaction.objects.count()}",
        actor="key:1",
        now=timezone.now(),
    )


@pytest.mark.parametrize("times", [1, 2, 3])
def test_reversed_and_restored_again_and_again_it_pays_as_at_first(
    rewarded: Attribution, nok: Person, ploy: Person, times: int
) -> None:
    first = held_by(nok, ploy)

    for _ in range(times):
        by_aree(corrections.reverse, rewarded)
        assert balances(nok) == WELCOME
        by_aree(corrections.restore, rewarded)

    assert held_by(nok, ploy) == first
    assert timeline(rewarded)[-1] == ("reversed", "rewarded")
    by_aree(corrections.reverse, rewarded)
    assert balances(nok) == WELCOME


def test_what_is_shown_before_a_restoral_is_what_it_gives_back(
    rewarded: Attribution, nok: Person
) -> None:
    by_aree(corrections.reverse, rewarded)

    effect = by_aree(corrections.restore, rewarded)

    assert effect.moves == (
        "Invitation of Ploy (user_ploy) by Nok (user_nok): Reversed → Rewarded",
    )
    own = {(line.who, line.amount) for line in effect.lines if line.account == "their own"}
    assert own == {("Ploy (user_ploy)", 1), ("Nok (user_nok)", 50)}
    assert ("Nok (user_nok)", 0, 50) in {(b.who, b.before, b.after) for b in effect.balances}


def test_an_older_reversal_is_restored_too(rewarded: Attribution, nok: Person) -> None:
    """Before, a reversal was named after the reward's key alone."""
    move(rewarded, Status.REVERSED, actor="staff:x", reason="Then", now=timezone.now())
    for key, paid in rewards.standing_by_key([rewarded.referee_key, rewarded.referrer_key]).items():
        rewards.reverse_transaction(
            transaction=paid, reason="r", key=f"{key}:reversal", actor="staff:x", now=timezone.now()
        )

    by_aree(corrections.restore, rewarded)

    assert balances(nok).coins == 50
    by_aree(corrections.reverse, rewarded)
    assert balances(nok).coins == 0


def test_a_claw_back_gives_back_what_it_took_and_no_more(
    rewarded: Attribution, nok: Person
) -> None:
    spend(nok, 30, "coins")

    by_aree(corrections.reverse, rewarded, claw_back=True)
    assert balances(nok).coins == 0
    by_aree(corrections.restore, rewarded)

    assert balances(nok).coins == 20


def test_what_had_been_taken_back_for_its_own_sake_is_not_given_back(
    rewarded: Attribution, nok: Person, ploy: Person
) -> None:
    rewards.reverse_transaction(
        transaction=Transaction.objects.get(idempotency_key=rewarded.referrer_key),
        reason="By a service",
        key="service",
        actor="key:1",
        now=timezone.now(),
    )

    by_aree(corrections.reverse, rewarded)
    by_aree(corrections.restore, rewarded)

    assert (balances(nok).coins, balances(ploy).stars) == (0, 1)


def test_events_that_came_meanwhile_qualify_it(
    pending: Attribution, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    by_aree(corrections.reverse, pending)
    back_end.report(ploy)

    by_aree(corrections.restore, pending)

    assert timeline(pending)[-3:] == [
        ("reversed", "pending"),
        ("pending", "qualified"),
        ("qualified", "rewarded"),
    ]
    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_a_qualified_one_is_paid_by_the_usual_release(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=2)
    invited(ploy, noks_code)
    back_end.report(ploy)
    by_aree(corrections.reverse, attribution_of(ploy))
    later = timezone.now() + timedelta(days=3)
    assert release_due(now=later) == Released()

    by_aree(corrections.restore, attribution_of(ploy))

    assert (attribution_of(ploy).status, balances(nok)) == ("qualified", WELCOME)
    assert release_due(now=later).moved == 1
    assert balances(nok).coins == 50


def test_events_count_for_the_restored_one_though_a_later_one_ended(
    pending: Attribution, ploy: Person, back_end: BackEnd
) -> None:
    by_aree(corrections.reverse, pending)
    code = ReferralCodeFactory()
    by_aree(corrections.attribute_by_hand, user_of(ploy), code=code)
    later = Attribution.objects.get(code=code)
    by_aree(corrections.reverse, later)
    by_aree(corrections.restore, pending)

    assert back_end.report(ploy).json()["attribution_status"] == "rewarded"

    assert (fresh(pending).status, fresh(later).status) == ("rewarded", "reversed")
    assert Browser().sign_in(ploy).me()["attribution"]["status"] == "rewarded"


@pytest.fixture(params=[corrections.restore, corrections.reopen], ids=["restore", "reopen"])
def verb(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def over(noks_code: str, ploy: Person, verb: Any) -> Attribution:
    """Ploy by Nok, reversed or rejected."""
    if verb is corrections.reopen:
        del ploy.claims["account_created_at"]
    invited(ploy, noks_code)
    by_aree(
        corrections.reject if verb is corrections.reopen else corrections.reverse,
        attribution_of(ploy),
    )
    return attribution_of(ploy)


def test_what_stands_is_not_brought_back(noks_code: str, ploy: Person, verb: Any) -> None:
    invited(ploy, noks_code)

    with pytest.raises(corrections.MoveNotAllowed):
        by_aree(verb, attribution_of(ploy))

    assert attribution_of(ploy).status == "pending"


def test_a_rejection_is_not_restored_nor_a_reversal_reopened(over: Attribution, verb: Any) -> None:
    other = {corrections.restore: corrections.reopen, corrections.reopen: corrections.restore}

    with pytest.raises(corrections.MoveNotAllowed):
        by_aree(other[verb], over)


def test_not_beside_another_live_attribution(over: Attribution, ploy: Person, verb: Any) -> None:
    by_aree(corrections.attribute_by_hand, user_of(ploy), code=ReferralCodeFactory())

    with pytest.raises(corrections.AnotherStands, match=r"\(user_ploy\) is attributed to Extra"):
        by_aree(verb, over)


@pytest.mark.parametrize("name", ["ploy", "nok"])
@pytest.mark.parametrize("fate", ["erased", "banned"])
def test_not_of_or_for_somebody_who_is_gone(
    over: Attribution, verb: Any, name: str, fate: str
) -> None:
    if fate == "erased":
        erase_user(clerk_id=f"user_{name}", now=timezone.now())
    else:
        User.objects.filter(clerk_id=f"user_{name}").update(banned_at=timezone.now())

    with pytest.raises(corrections.PersonGone, match=rf"user_{name}\)? is deleted or banned"):
        by_aree(verb, over)


def test_not_if_it_would_close_a_ring(
    over: Attribution, nok: Person, ploy: Person, verb: Any
) -> None:
    code = ReferralCode.objects.get(code=code_of(ploy))
    by_aree(corrections.attribute_by_hand, user_of(nok), code=code)

    with pytest.raises(corrections.ClosesCycle):
        by_aree(verb, over)


def test_a_reopened_one_waits_for_review_and_can_be_approved(
    noks_code: str, ploy: Person, nok: Person
) -> None:
    del ploy.claims["account_created_at"]
    invited(ploy, noks_code)
    attribution = attribution_of(ploy)
    by_aree(corrections.reject, attribution)

    assert by_aree(corrections.reopen, attribution).lines == ()

    now = fresh(attribution)
    assert (now.status, now.awaits_age, now.awaits_review) == ("held", False, True)
    by_aree(corrections.reject, attribution)
    by_aree(corrections.reopen, attribution)
    effect = by_aree(corrections.approve, attribution)
    assert effect.moves == ("Invitation of Ploy (user_ploy) by Nok (user_nok): Held → Pending",)
    assert balances(ploy).stars == 1


def test_a_restoral_that_would_pay_more_than_was_shown_is_refused(
    pending: Attribution, ploy: Person, nok: Person, back_end: BackEnd
) -> None:
    by_aree(corrections.reverse, pending)

    def act() -> Any:
        return corrections.restore(pending, actor="staff:aree", reason="Sorry", now=timezone.now())

    seen = rehearse(act).digest
    back_end.report(ploy)

    with pytest.raises(PreviewStale) as stale:
        carry_out(act, seen=seen)

    assert fresh(pending).status == "reversed"
    assert balances(nok) == WELCOME
    carry_out(act, seen=stale.value.effect.digest)
    assert balances(nok).coins == 50
