"""Staff move an attribution to another referrer: what was paid follows it, and comes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from referrals.models import Attribution, Program, ReferralCode
from referrals.services import corrections
from referrals.services.releases import release_due
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person
from tests.referrals.aree import by_aree, fresh, held_by
from tests.referrals.back_end import BackEnd
from tests.referrals.story import (
    attribution_of,
    balances,
    code_of,
    invited,
    open_captures_of,
    timeline,
    user_of,
)

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


@pytest.fixture
def malis(mali: Person) -> ReferralCode:
    """Mali's code; Ploy was invited by her, she says."""
    return ReferralCode.objects.get(code=code_of(mali))


@pytest.fixture
def pending(noks_code: str, ploy: Person, malis: ReferralCode) -> Attribution:
    """Ploy by Nok, who has not read yet."""
    invited(ploy, noks_code)
    return attribution_of(ploy)


@pytest.fixture
def rewarded(pending: Attribution, ploy: Person, back_end: BackEnd) -> Attribution:
    """Ploy by Nok: Ploy has a star for it, Nok 50 coins."""
    back_end.report(ploy)
    return fresh(pending)


def spend(person: Person, amount: int, currency: str) -> None:
    rewards.spend(
        user_id=user_of(person).pk,
        amount=amount,
        order=[currency],
        reason="A candle",
        key=f"candle of {person.clerk_id}",
        actor="key:1",
        now=timezone.now(),
    )


def the_live_one() -> Attribution:
    return Attribution.objects.live().with_names().get()


def test_the_new_referrer_has_it_as_the_old_one_had(
    rewarded: Attribution, malis: ReferralCode, nok: Person, ploy: Person, mali: Person
) -> None:
    before = balances(ploy)

    effect = by_aree(corrections.move_to_referrer, rewarded, code=malis)

    new = the_live_one()
    assert (new.referrer.clerk_id, new.code, new.status) == ("user_mali", malis, "rewarded")
    assert new.replaces == rewarded
    assert (new.terms, new.claimed_at) == (rewarded.terms, rewarded.claimed_at)
    assert (new.qualified_at, new.release_at) == (rewarded.qualified_at, rewarded.release_at)
    assert (balances(nok), balances(mali)) == (WELCOME, WELCOME + Amounts(coins=50))
    assert balances(ploy) == before
    assert fresh(rewarded).status == "reversed"
    assert timeline(new) == [("", "pending"), ("pending", "qualified"), ("qualified", "rewarded")]
    assert "The new attribution is by code" in effect.moves[-1]
    assert {(line.who, line.amount) for line in effect.lines if line.account == "their own"} == {
        *(
            ("Ploy (user_ploy)", 1),
            ("Ploy (user_ploy)", -1),
            ("Nok (user_nok)", -50),
            ("Mali (user_mali)", 50),
        ),
    }


@pytest.mark.parametrize("status", ["held", "pending", "qualified", "rewarded"])
@pytest.mark.parametrize("times", [1, 2])
def test_moved_and_moved_back_leaves_everybody_as_they_were(
    noks_code: str,
    malis: ReferralCode,
    nok: Person,
    ploy: Person,
    mali: Person,
    back_end: BackEnd,
    status: str,
    times: int,
) -> None:
    if status == "held":
        del ploy.claims["account_created_at"]
    TermsFactory(hold_days=1 if status == "qualified" else 0, referee_stars=1)
    invited(ploy, noks_code)
    if status in ("qualified", "rewarded"):
        back_end.report(ploy)
    old = attribution_of(ploy)
    assert old.status == status
    before = held_by(nok, ploy, mali)

    for _ in range(times):
        by_aree(corrections.move_to_referrer, old, code=malis)
        new = the_live_one()
        assert (new.status, new.awaits_age) == (status, old.awaits_age)
        by_aree(corrections.undo_move, new)

    assert held_by(nok, ploy, mali) == before
    assert the_live_one() == old
    assert fresh(old).status == status
    assert old.replacements.count() == times  # type: ignore[attr-defined]


def test_a_referee_who_spent_the_reward_keeps_what_it_bought(
    rewarded: Attribution, malis: ReferralCode, ploy: Person
) -> None:
    spend(ploy, 1, "stars")

    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    by_aree(corrections.undo_move, the_live_one())

    assert balances(ploy).stars == 0


def test_a_referrer_who_spent_it_lets_it_move_by_a_claw_back_alone(
    rewarded: Attribution, malis: ReferralCode, nok: Person, mali: Person
) -> None:
    spend(nok, 30, "coins")

    with pytest.raises(rewards.InsufficientBalance):
        by_aree(corrections.move_to_referrer, rewarded, code=malis)
    assert (fresh(rewarded).status, balances(nok).coins) == ("rewarded", 20)
    by_aree(corrections.move_to_referrer, rewarded, code=malis, claw_back=True)

    assert (balances(nok).coins, balances(mali).coins) == (0, 50)
    by_aree(corrections.undo_move, the_live_one())
    assert (balances(nok).coins, balances(mali).coins) == (20, 0)


def test_what_had_been_taken_back_for_its_own_sake_stays_taken(
    rewarded: Attribution, malis: ReferralCode, ploy: Person, mali: Person
) -> None:
    rewards.reverse_transaction(
        transaction=Transaction.objects.get(idempotency_key=rewarded.referee_key),
        reason="By a service",
        key="service",
        actor="key:1",
        now=timezone.now(),
    )

    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    assert (balances(ploy).stars, balances(mali).coins) == (0, 50)
    by_aree(corrections.undo_move, the_live_one())
    assert (balances(ploy).stars, balances(mali).coins) == (0, 0)


def test_a_pending_one_qualifies_for_the_new_referrer(
    pending: Attribution,
    malis: ReferralCode,
    nok: Person,
    ploy: Person,
    mali: Person,
    back_end: BackEnd,
) -> None:
    by_aree(corrections.move_to_referrer, pending, code=malis)

    back_end.report(ploy)

    assert the_live_one().status == "rewarded"
    assert (balances(nok), balances(mali).coins) == (WELCOME, 50)
    me = Browser().sign_in(ploy).me()["attribution"]
    assert me["status"] == "rewarded"

    by_aree(corrections.undo_move, the_live_one())

    assert (balances(nok).coins, balances(mali).coins) == (50, 0)
    assert fresh(pending).status == "rewarded"


def test_one_in_its_hold_is_released_to_the_new_referrer(
    noks_code: str,
    malis: ReferralCode,
    nok: Person,
    ploy: Person,
    mali: Person,
    back_end: BackEnd,
) -> None:
    TermsFactory(hold_days=2)
    invited(ploy, noks_code)
    back_end.report(ploy)
    by_aree(corrections.move_to_referrer, attribution_of(ploy), code=malis)

    assert release_due(now=timezone.now() + timedelta(days=1)).moved == 0
    assert release_due(now=timezone.now() + timedelta(days=3)).moved == 1

    assert (balances(nok).coins, balances(mali).coins) == (0, 50)


def test_a_move_can_move_on_and_come_back_step_by_step(
    rewarded: Attribution, malis: ReferralCode, nok: Person, mali: Person, somchai: Person
) -> None:
    somchais = ReferralCode.objects.get(code=code_of(somchai))
    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    by_aree(corrections.move_to_referrer, the_live_one(), code=somchais)
    assert [balances(p).coins for p in (nok, mali, somchai)] == [0, 0, 50]

    by_aree(corrections.undo_move, the_live_one())
    assert [balances(p).coins for p in (nok, mali, somchai)] == [0, 50, 0]
    by_aree(corrections.undo_move, the_live_one())

    assert [balances(p).coins for p in (nok, mali, somchai)] == [50, 0, 0]
    assert the_live_one() == rewarded


def test_the_referee_can_be_moved_from_a_referrer_who_is_gone_but_not_back(
    rewarded: Attribution, malis: ReferralCode, nok: Person, mali: Person
) -> None:
    erase_user(clerk_id=nok.clerk_id, now=timezone.now())
    by_aree(corrections.move_to_referrer, rewarded, code=malis, claw_back=True)
    assert balances(mali).coins == 50

    with pytest.raises(corrections.PersonGone, match=r"user_nok\)? is deleted or banned"):
        by_aree(corrections.undo_move, the_live_one())


@pytest.mark.parametrize("name", ["ploy", "mali"])
def test_not_of_or_to_somebody_who_is_gone(
    rewarded: Attribution, malis: ReferralCode, name: str
) -> None:
    User.objects.filter(clerk_id=f"user_{name}").update(banned_at=timezone.now())

    with pytest.raises(corrections.PersonGone, match=rf"user_{name}\)? is deleted or banned"):
        by_aree(corrections.move_to_referrer, rewarded, code=malis)


def test_not_to_themselves_nor_to_the_same_referrer(
    rewarded: Attribution, nok: Person, ploy: Person
) -> None:
    for person, refusal in ((ploy, corrections.OwnCode), (nok, corrections.SameReferrer)):
        code = ReferralCode.objects.get(code=code_of(person))
        with pytest.raises(refusal):
            by_aree(corrections.move_to_referrer, rewarded, code=code)


def test_not_to_somebody_whom_the_referee_invited(
    rewarded: Attribution, malis: ReferralCode, ploy: Person, mali: Person
) -> None:
    ploys = ReferralCode.objects.get(code=code_of(ploy))
    by_aree(corrections.attribute_by_hand, user_of(mali), code=ploys)

    with pytest.raises(corrections.ClosesCycle):
        by_aree(corrections.move_to_referrer, rewarded, code=malis)


def test_not_back_to_somebody_whom_the_referee_invited_meanwhile(
    rewarded: Attribution, malis: ReferralCode, nok: Person, ploy: Person
) -> None:
    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    ploys = ReferralCode.objects.get(code=code_of(ploy))
    by_aree(corrections.attribute_by_hand, user_of(nok), code=ploys)

    with pytest.raises(corrections.ClosesCycle):
        by_aree(corrections.undo_move, Attribution.objects.live().get(code=malis))


def test_not_by_a_code_of_another_program(rewarded: Attribution, mali: Person) -> None:
    other = Program.objects.create(slug="autumn", name="Autumn")
    code = ReferralCodeFactory(owner=user_of(mali), program=other, code="AUTUMN")

    with pytest.raises(corrections.OtherProgram):
        by_aree(corrections.move_to_referrer, rewarded, code=code)


def test_what_has_ended_is_not_moved_and_what_replaced_nothing_is_not_moved_back(
    rewarded: Attribution, malis: ReferralCode
) -> None:
    with pytest.raises(corrections.MoveNotAllowed, match="replaces no other"):
        by_aree(corrections.undo_move, rewarded)
    by_aree(corrections.reverse, rewarded)
    with pytest.raises(corrections.MoveNotAllowed, match="that stands can be moved"):
        by_aree(corrections.move_to_referrer, rewarded, code=malis)


def test_a_move_that_was_reversed_is_not_undone_but_what_it_replaced_is_restored(
    rewarded: Attribution, malis: ReferralCode, nok: Person, mali: Person
) -> None:
    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    new = the_live_one()
    by_aree(corrections.reverse, new)

    with pytest.raises(corrections.MoveNotAllowed):
        by_aree(corrections.undo_move, new)
    by_aree(corrections.restore, rewarded)

    assert (balances(nok).coins, balances(mali).coins) == (50, 0)
    with pytest.raises(corrections.AnotherStands):
        by_aree(corrections.restore, new)


def test_a_claim_after_a_move_finds_what_stands(
    rewarded: Attribution, noks_code: str, malis: ReferralCode, ploy: Person
) -> None:
    by_aree(corrections.move_to_referrer, rewarded, code=malis)
    browser = Browser().sign_in(ploy)

    assert browser.claim(malis.code).status_code == 200
    assert browser.claim().json()["attribution"]["id"] == str(the_live_one().pk)
    assert browser.claim(noks_code).json()["code"] == "already_attributed"
    assert open_captures_of(ploy) == []


def test_a_move_that_would_take_more_than_was_shown_is_refused(
    pending: Attribution, malis: ReferralCode, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    def act() -> Any:
        return corrections.move_to_referrer(
            pending, code=malis, actor="staff:aree", reason="Hers", now=timezone.now()
        )

    seen = rehearse(act).digest
    assert Attribution.objects.count() == 1
    back_end.report(ploy)

    with pytest.raises(PreviewStale):
        carry_out(act, seen=seen)

    assert the_live_one() == pending
    assert balances(nok).coins == 50
