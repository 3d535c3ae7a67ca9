"""Staff attribute somebody by hand: the rules are asked and kept, and stop nothing."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from referrals.models import Attribution, Decision, Outcome, Program, ReferralCode
from referrals.services import corrections
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.aree import by_aree
from tests.referrals.back_end import BackEnd
from tests.referrals.story import (
    attribution_of,
    balances,
    code_of,
    decision_on,
    invited,
    open_captures_of,
    timeline,
    user_of,
    verdicts,
)

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


@pytest.fixture
def noks(noks_code: str) -> ReferralCode:
    return ReferralCode.objects.get(code=noks_code)


@pytest.fixture
def ploys_row(ploy: Person) -> User:
    """Ploy, who has come by no invitation."""
    Browser().sign_in(ploy).me()
    return user_of(ploy)


def test_both_sides_are_paid_as_by_a_claim(
    noks: ReferralCode, ploys_row: User, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    by_aree(corrections.attribute_by_hand, ploys_row, code=noks)
    assert balances(ploy) == WELCOME + Amounts(stars=1)

    back_end.report(ploy)

    assert attribution_of(ploy).status == "rewarded"
    assert balances(nok) == WELCOME + Amounts(coins=50)
    entry = attribution_of(ploy).timeline.first()
    assert entry is not None
    assert (entry.actor, entry.reason) == ("staff:aree", "Looked at it")


def test_the_ledger_names_staff_for_what_they_brought_about_and_nobody_for_what_followed(
    noks: ReferralCode, ploys_row: User, back_end: BackEnd, ploy: Person
) -> None:
    by_aree(corrections.attribute_by_hand, ploys_row, code=noks)
    back_end.report(ploy)

    paid = Transaction.objects.filter(reference=attribution_of(ploy).reference)
    assert list(paid.order_by("pk").values_list("kind", "actor", "note")) == [
        ("referral_referee", "staff:aree", "Looked at it"),
        ("referral_referrer", "system", ""),
    ]


def test_what_was_done_before_counts(
    noks: ReferralCode, ploys_row: User, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    back_end.report(ploy)

    effect = by_aree(corrections.attribute_by_hand, ploys_row, code=noks)

    assert timeline(attribution_of(ploy))[-1] == ("qualified", "rewarded")
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert effect.moves[-1] == "Every rule passes."


def test_the_rules_are_kept_though_they_stop_nothing(noks: ReferralCode) -> None:
    old_timer = newcomer("Ploy", age_seconds=90 * 86_400, email="ploy@mailinator.com")
    refused = Browser().sign_in(old_timer).claim(noks.code)
    assert refused.json()["code"] == "not_new_account"

    effect = by_aree(corrections.attribute_by_hand, user_of(old_timer), code=noks)

    decision = decision_on(old_timer)
    assert (decision.outcome, decision.refusal) == (Outcome.ACCEPTED, "")
    assert decision.attribution == attribution_of(old_timer)
    told = verdicts(decision)
    assert (told["account_is_new"], told["mailbox_is_lasting"]) == ("fail", "review")
    assert told["staff_decide"] == "pass"
    assert (
        "A rule would refuse it: The account was 90 days old; the window is 7 days." in effect.moves
    )
    assert any(move.startswith("A rule would hold it:") for move in effect.moves)


def test_after_a_rejection_or_reversal_staff_can_where_the_person_cannot(
    noks: ReferralCode, ploy: Person
) -> None:
    browser = invited(ploy, noks.code)
    by_aree(corrections.reverse, attribution_of(ploy))
    assert browser.claim(noks.code).json()["code"] == "attribution_rejected"

    by_aree(corrections.attribute_by_hand, user_of(ploy), code=noks)

    assert browser.claim(noks.code).status_code == 200
    assert balances(ploy) == WELCOME + Amounts(stars=1)
    assert verdicts(decision_on(ploy))["was_not_rejected_before"] == "fail"
    by_aree(corrections.reverse, attribution_of(ploy))
    assert balances(ploy) == WELCOME
    assert browser.claim(noks.code).json()["code"] == "attribution_rejected"


def test_it_is_paid_by_the_terms_that_staff_choose(
    noks: ReferralCode, ploys_row: User, ploy: Person
) -> None:
    TermsFactory(referee_stars=9)
    first = noks.program.terms.get(version=1)

    by_aree(corrections.attribute_by_hand, ploys_row, code=noks, terms=first)

    assert attribution_of(ploy).terms == first
    assert balances(ploy).stars == 1


def test_without_a_choice_the_terms_in_force_pay(
    noks: ReferralCode, ploys_row: User, ploy: Person
) -> None:
    TermsFactory(referee_stars=9)

    by_aree(corrections.attribute_by_hand, ploys_row, code=noks)

    assert balances(ploy).stars == 9


def test_what_they_had_opened_is_consumed(noks: ReferralCode, ploy: Person) -> None:
    Browser().sign_in(ploy).open_link(ReferralCodeFactory().code)

    by_aree(corrections.attribute_by_hand, user_of(ploy), code=noks)

    assert open_captures_of(ploy) == []


def test_not_beside_a_live_attribution(noks: ReferralCode, ploy: Person) -> None:
    invited(ploy, ReferralCodeFactory().code)

    with pytest.raises(corrections.AnotherStands):
        by_aree(corrections.attribute_by_hand, user_of(ploy), code=noks)


@pytest.mark.parametrize("name", ["ploy", "nok"])
def test_not_of_or_to_somebody_who_is_gone(noks: ReferralCode, ploys_row: User, name: str) -> None:
    erase_user(clerk_id=f"user_{name}", now=timezone.now())

    with pytest.raises(corrections.PersonGone, match=f"user_{name} is deleted or banned"):
        by_aree(corrections.attribute_by_hand, ploys_row, code=noks)

    assert not Decision.objects.exists()


def test_not_by_their_own_code(ploys_row: User, ploy: Person) -> None:
    own = ReferralCode.objects.get(code=code_of(ploy))

    with pytest.raises(corrections.OwnCode):
        by_aree(corrections.attribute_by_hand, ploys_row, code=own)


def test_not_by_somebody_whom_they_invited(noks: ReferralCode, ploy: Person, nok: Person) -> None:
    invited(ploy, noks.code)
    ploys = ReferralCode.objects.get(code=code_of(ploy))

    with pytest.raises(corrections.ClosesCycle):
        by_aree(corrections.attribute_by_hand, user_of(nok), code=ploys)


def test_not_under_the_terms_of_another_program(noks: ReferralCode, ploys_row: User) -> None:
    autumn = Program.objects.create(slug="autumn", name="Autumn")
    terms: Any = TermsFactory(program=autumn, version=1)

    with pytest.raises(corrections.OtherProgram):
        by_aree(corrections.attribute_by_hand, ploys_row, code=noks, terms=terms)


def test_not_by_a_program_without_terms(ploys_row: User) -> None:
    autumn = Program.objects.create(slug="autumn", name="Autumn")
    code = ReferralCodeFactory(program=autumn)

    with pytest.raises(corrections.TermsMissing):
        by_aree(corrections.attribute_by_hand, ploys_row, code=code)


def test_not_of_an_account_of_staff(noks: ReferralCode) -> None:
    aree = User.objects.create_user("aree", "secret")

    with pytest.raises(corrections.NotAPerson):
        by_aree(corrections.attribute_by_hand, aree, code=noks)

    assert not Attribution.objects.exists()
