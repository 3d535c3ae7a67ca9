"""How claims were judged: accepted with what is owed, or refused by which rule."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from accounts.models import User
from referrals.models import Program, ReferralCode
from referrals.services import corrections
from referrals.services.releases import release_due
from referrals.services.story import Tone
from tests.factories import AttributionFactory, ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.stories.told import moment, story, summary, texts
from tests.referrals.story import code_of, decision_on, invited

pytestmark = pytest.mark.django_db


class TestClaims:
    def test_a_claim_has_every_rule_with_the_open_ones_apart(self, noks_code: str) -> None:
        old = newcomer("Tom", age_seconds=30 * 86400)
        Browser().sign_in(old).claim(noks_code)

        told = moment(old, "Tom claimed")

        assert told.tone == Tone.STOPS
        assert [(check.asks, check.found) for check in told.open_checks] == [
            ("The account is new", "failed"),
            ("The inviter was here first", "failed"),
        ]
        assert len(told.passed_checks) == len(decision_on(old).evaluations) - 2
        assert told.links[0] == ("Decision", decision_on(old))

    def test_why_it_qualified_at_once_is_told_in_the_readers_language(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        Browser().sign_in(ploy).me()
        back_end.report(ploy)
        invited(ploy, noks_code)

        assert moment(ploy, "Qualified").details == ("Reason: Claimed; every rule passed.",)
        with translation.override("th"):
            assert "Claimed" not in " ".join(d for m in story(ploy).moments for d in m.details)

    def test_what_the_terms_promise_is_told(self, noks_code: str, ploy: Person) -> None:
        TermsFactory(hold_days=3, qualifying_event_count=2, referee_coins=5)
        invited(ploy, noks_code)

        assert moment(ploy, "Ploy claimed").details == (
            "By Invite a friend v2, Ploy gets 1 star and 5 coins at once.",
            "Nok gets 50 coins 3 days after Ploy has done “reading.completed” 2 times.",
        )

    def test_an_impersonated_claim_says_by_whom(self, noks_code: str, ploy: Person) -> None:
        ploy.claims["act"] = {"sub": "user_aree"}
        invited(ploy, noks_code)

        assert moment(ploy, "Ploy claimed").by.text == "Ploy, impersonated by user_aree"

    def test_a_claim_judged_again_is_told_as_that(self, noks_code: str) -> None:
        late = Person("user_late", {"first_name": "Late"})
        invited(late, noks_code)
        now = timezone.now()
        User.objects.filter(clerk_id="user_late").update(account_created_at=now)
        release_due(now=now)

        told = moment(late, "Clerk told when the account was made")

        assert told.text.endswith("Accepted: both are owed their rewards.")
        assert told.by.text == "the system"
        assert "Late claimed" in " ".join(texts(late))

    def test_a_reward_that_is_held_back_says_until_when(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        TermsFactory(hold_days=3)
        invited(ploy, noks_code)
        back_end.report(ploy)

        assert "The reward of Nok is held back until" in moment(ploy, "Qualified").details[0]
        assert "Nok gets 50 coins on" in summary(ploy)

        release_due(now=timezone.now() + timedelta(days=4))

        assert "The reward of Nok was due." in texts(ploy)

    def test_a_banned_inviter_is_not_paid_and_the_story_says_why(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        invited(ploy, noks_code)
        User.objects.filter(clerk_id="user_nok").update(banned_at=timezone.now())
        back_end.report(ploy)

        assert moment(ploy, "Qualified").details == (
            "Nok is not paid: the account is deleted or banned.",
        )
        assert summary(ploy).endswith("Nok would get 50 coins, but is deleted or banned.")

    def test_two_of_one_name_are_told_apart(self, noks_code: str) -> None:
        other = Person("user_other", {**newcomer("Nok").claims})
        invited(other, noks_code)

        assert summary(other).startswith("Nok (user_other) was invited by Nok (user_nok) with")

    def test_events_beyond_what_the_terms_ask_are_summed_up(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        invited(ploy, noks_code)
        for _ in range(5):
            back_end.report(ploy)
        back_end.report(ploy, type="profile.completed")

        assert [text for text in texts(ploy) if "has done “" in text] == [
            "Ploy has done “reading.completed”, number 1.",
            "Ploy has done “reading.completed” 4 more times by now.",
        ]


def switch_off(code: str) -> None:
    ReferralCode.objects.filter(code=code).update(is_active=False)


def ban_nok(code: str) -> None:
    User.objects.filter(clerk_id="user_nok").update(banned_at=timezone.now())


def stop_the_program(code: str) -> None:
    Program.objects.update(is_active=False)


def make_nok_younger(code: str) -> None:
    later = timezone.now() + timedelta(hours=1)
    User.objects.filter(clerk_id="user_nok").update(account_created_at=later)


def let_her_be_rejected_before(code: str) -> None:
    ploy = User.objects.get(clerk_id="user_ploy")
    attribution = AttributionFactory(referee=ploy, claimed_at=timezone.now() - timedelta(days=1))
    corrections.reject(attribution=attribution, actor="staff:aree", reason="x", now=timezone.now())


def let_her_have_invited_nok(code: str) -> None:
    ploy = User.objects.get(clerk_id="user_ploy")
    nok = User.objects.get(clerk_id="user_nok")
    AttributionFactory(code=ReferralCodeFactory(owner=ploy, is_primary=False), referee=nok)


def cap_at_nothing_a_day(code: str) -> None:
    TermsFactory(daily_cap=0)


def cap_at_nothing(code: str) -> None:
    TermsFactory(total_cap=0)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (switch_off, "The code has been switched off."),
        (ban_nok, "The referrer's account is deleted or banned."),
        (stop_the_program, "The program is not running."),
        (make_nok_younger, "The referrer's account is younger than the claimer's."),
        (let_her_be_rejected_before, "An earlier attribution was rejected or reversed"),
        (let_her_have_invited_nok, "The claimer invited the referrer"),
        (cap_at_nothing_a_day, "The referrer has reached 0 claims in 24 hours."),
        (cap_at_nothing, "The referrer has reached 0 attributions."),
    ],
)
def test_a_refusal_is_told_with_the_rule_that_made_it(
    noks_code: str, ploy: Person, prepare: Any, reason: str
) -> None:
    browser = Browser().sign_in(ploy)
    browser.me()
    prepare(noks_code)

    assert browser.claim(noks_code).status_code >= 400

    told = moment(ploy, f"Ploy claimed {noks_code} of Nok (user_nok). Refused: ")
    assert reason in told.text
    assert any(check.verdict == "fail" and reason in check.reason for check in told.open_checks)


def test_ones_own_code_is_refused_as_that(nok: Person, noks_code: str) -> None:
    Browser().sign_in(nok).claim(noks_code)

    assert summary(nok).endswith("was refused: It is the claimer's own code.")


def test_a_second_inviter_is_refused_and_the_first_one_stands(
    noks_code: str, ploy: Person, somchai: Person
) -> None:
    invited(ploy, noks_code)
    Browser().sign_in(ploy).claim(code_of(somchai, address="198.51.100.9"))

    refused = "Refused: The claimer is attributed to another referrer."
    assert any(text.endswith(refused) for text in texts(ploy))
    assert "Ploy was invited by Nok" in summary(ploy)
