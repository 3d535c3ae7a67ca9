"""The story of an invitation: from every source, in order, in words that staff understand."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Program,
    ReferralCode,
    Touch,
    UserDevice,
)
from referrals.services import corrections
from referrals.services.attributions import (
    approve_attribution,
    reject_attribution,
    release_due,
    reverse_attribution,
)
from referrals.services.story import Moment, Story, Tone, story_of
from referrals.services.story.sources import MOST
from rewards import services as rewards
from rewards.models import Transaction
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    TermsFactory,
    UserFactory,
)
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, code_of, decision_on, invited, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def story(person: Person, **kwargs: Any) -> Story:
    return story_of(user=user_of(person), now=timezone.now(), **kwargs)


def texts(person: Person) -> list[str]:
    return [moment.text for moment in story(person).moments]


def moment(person: Person, begins: str) -> Moment:
    """Return the one moment of somebody's story that begins so."""
    (found,) = [m for m in story(person).moments if m.text.startswith(begins)]
    return found


def summary(person: Person) -> str:
    return story(person).summary


class TestOrder:
    def test_the_whole_way_is_told_from_the_first_link_to_the_last_coin(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        browser = Browser()
        browser.open_link(noks_code)
        browser.sign_in(ploy).claim()
        back_end.report(ploy)

        assert [text.replace(noks_code, "CODE") for text in texts(ploy)] == [
            "Ploy’s account was made.",
            "Opened CODE of Nok (user_nok), before signing in.",
            "Ploy was seen here for the first time.",
            "Ploy signed in: what this browser had opened, CODE, is theirs.",
            "Ploy claimed CODE of Nok (user_nok). Accepted: both are owed their rewards.",
            "Ploy was given 1 star.",
            "Ploy has done “reading.completed”, number 1.",
            "Qualified: Ploy has done what the terms ask; Nok is paid.",
            "Nok was given 50 coins.",
        ]

    def test_a_longer_story_costs_no_more(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        browser = Browser()
        browser.open_link(noks_code)
        browser.sign_in(ploy).claim()
        browser.sign_out().open_link(noks_code)
        back_end.report(ploy)

        def cost() -> int:
            user = user_of(ploy)
            with statements() as sent:
                story_of(user=user, now=timezone.now())
            return len(sent)

        short = cost()
        for _ in range(5):
            back_end.report(ploy)
            Browser().sign_in(ploy).claim("NOSUCHCODE")
            CaptureFactory(user=user_of(ploy))
        device = UserDevice.objects.filter(user=user_of(ploy)).earliest("id")
        others = BrowserSessionFactory.create_batch(3, device_id=device.device_id)
        for session in others:
            CaptureFactory(user=None, browser_session=session)

        assert cost() == short

    def test_a_very_long_story_is_cut_and_says_so(self, noks_code: str, ploy: Person) -> None:
        invited(ploy, noks_code)
        CaptureFactory.create_batch(MOST + 3, user=user_of(ploy))

        told = story(ploy)

        opened = [m for m in told.moments if m.text.startswith("Opened")]
        assert len(opened) == MOST
        assert told.left_out == [
            "Of very many opened invitations only 50 are told here: the newest."
        ]


class TestVisits:
    def test_where_a_link_was_opened_is_told(self, noks_code: str, ploy: Person) -> None:
        browser = Browser()
        browser.post(
            "referrals/captures",
            {
                "code": noks_code,
                "landing_url": "https://app.example.com/welcome?token=x",
                "utm": {"source": "line", "campaign": "songkran"},
            },
        )
        browser.sign_in(ploy).me()
        session = BrowserSession.objects.get(adopted_by=user_of(ploy))

        told = moment(ploy, "Opened")

        assert told.by.text == "a visitor"
        assert told.details == (
            "Landed on https://app.example.com/welcome.",
            "The link says: campaign songkran, source line.",
            f"Browser session {session.pk.hex[:8]} on device {session.device_id.hex[:8]}.",
        )
        assert [row for _, row in told.links] == [Capture.objects.get(), session]

    def test_opening_once_more_is_told(self, noks_code: str, ploy: Person) -> None:
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(noks_code)

        assert f"Opened {noks_code} of Nok (user_nok), signed in." in texts(ploy)
        assert moment(ploy, f"Opened {noks_code} once more.").by.row == user_of(ploy)

    def test_one_that_another_touch_superseded_says_which(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(somchais)
        browser.claim()

        told = moment(ploy, f"{noks_code} was put aside")

        assert told.text == f"{noks_code} was put aside for {somchais}: the last opened counts."

    def test_by_first_touch_the_first_one_counts(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        TermsFactory(touch=Touch.FIRST)
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(somchais)
        browser.claim()

        assert f"{somchais} was put aside for {noks_code}: the first opened counts." in texts(ploy)

    def test_one_that_a_named_code_superseded_says_so(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(somchais)
        browser.claim(noks_code)

        assert f"{somchais} was put aside for {noks_code}, which was named." in texts(ploy)

    def test_ones_own_code_and_a_merged_one_are_told_though_nobody_holds_them(
        self, nok: Person, noks_code: str, ploy: Person
    ) -> None:
        phone, laptop = Browser(), Browser()
        phone.open_link(noks_code)
        phone.sign_in(nok).me()
        laptop.open_link(noks_code)
        other = Browser().sign_in(ploy)
        other.open_link(noks_code)
        laptop.sign_in(ploy).me()

        assert f"{noks_code} was dropped: it is their own code." in texts(nok)
        assert f"{noks_code} was merged with the same code, held already." in texts(ploy)

    def test_what_another_took_on_the_same_device_is_told(
        self, noks_code: str, ploy: Person, mali: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)
        browser.sign_in(mali).me()

        told = moment(ploy, f"{noks_code} was opened on device")

        assert told.text.endswith(
            "which Ploy uses too. Mali signed in there first, so it belongs to Mali."
        )
        assert told.by.row == user_of(mali)

    def test_what_nobody_took_on_the_same_device_is_told(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)

        assert moment(ploy, f"{noks_code} was opened on device").text.endswith(
            "Nobody has signed in there since, so it belongs to nobody."
        )


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


class TestDecidedByStaff:
    @pytest.fixture
    def held(self, noks_code: str) -> Person:
        mali = newcomer("Mali", email="mali@mailinator.com")
        invited(mali, noks_code)
        return mali

    def test_what_is_held_says_what_for(self, held: Person) -> None:
        assert summary(held).endswith(
            "It is held until staff decide: The e-mail address is of a disposable domain. "
            "Nobody has been paid yet."
        )
        assert moment(held, "Mali claimed").tone == Tone.WAITS

    def test_what_waits_for_clerk_says_so(self, noks_code: str) -> None:
        late = Person("user_late", {"first_name": "Late"})
        invited(late, noks_code)

        assert "It is held until Clerk tells when the account was made" in summary(late)

    def test_an_approval_is_told_with_who_and_why(self, held: Person) -> None:
        approve_attribution(
            attribution=attribution_of(held),
            actor="staff:aree",
            reason="Known to us",
            now=timezone.now(),
        )

        told = moment(held, "Approved")

        assert (told.by.text, told.details) == ("aree (staff)", ("Reason: Known to us",))
        assert "Mali was invited by Nok" in summary(held)

    def test_a_rejection_is_told_with_who_and_why(self, held: Person) -> None:
        reject_attribution(
            attribution=attribution_of(held),
            actor="staff:aree",
            reason="One person twice",
            now=timezone.now(),
        )

        assert moment(held, "Rejected: nobody is paid.").by.text == "aree (staff)"
        assert "and it no longer counts. It was rejected by aree (staff) on" in summary(held)
        assert summary(held).endswith("One person twice. Nobody has anything from it.")


class TestReversal:
    @pytest.fixture
    def rewarded(self, noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
        invited(ploy, noks_code)
        back_end.report(ploy)
        return attribution_of(ploy)

    def reverse(self, attribution: Attribution, **kwargs: Any) -> None:
        reverse_attribution(
            attribution=attribution,
            actor="staff:aree",
            reason="A mistake",
            now=timezone.now(),
            **kwargs,
        )

    def test_it_is_told_with_who_why_and_what_was_taken_back(
        self, rewarded: Attribution, ploy: Person
    ) -> None:
        self.reverse(rewarded)

        told = moment(ploy, "Reversed: Ploy no longer counts as invited by Nok.")
        assert (told.by.text, told.details) == ("aree (staff)", ("Reason: A mistake",))
        taken = moment(ploy, "50 coins taken back from Nok.")
        reversal = Transaction.objects.get(reverses__idempotency_key=rewarded.referrer_key)
        assert taken.links == (("Transaction", reversal),)
        assert taken.by.text == "aree (staff)"
        assert "It was reversed by aree (staff) on" in summary(ploy)
        assert summary(ploy).endswith("A mistake. Nobody has anything from it.")

    def test_a_shortfall_is_told(self, rewarded: Attribution, nok: Person, ploy: Person) -> None:
        exchange = {"from": "coins", "to": "stars", "units": 1}
        Browser().sign_in(nok).post("rewards/exchange", exchange, **{"Idempotency-Key": "x"})
        self.reverse(rewarded, claw_back=True)

        told = [m for m in story(ploy).moments if "taken back from Nok" in m.text]

        assert "Nok had spent" in " ".join(told[0].details)
        assert "it is recorded as a shortfall." in " ".join(told[0].details)

    def test_one_payment_given_back_is_told_and_counted(
        self, rewarded: Attribution, ploy: Person
    ) -> None:
        paid = Transaction.objects.get(idempotency_key=rewarded.referrer_key)
        now = timezone.now()
        taken = rewards.reverse_transaction(
            transaction=paid, reason="By mistake", key="1", actor="staff:aree", now=now
        )
        assert summary(ploy).endswith("It is settled: Ploy +1 star, Nok —.")

        rewards.reverse_transaction(
            transaction=taken, reason="After all", key="2", actor="staff:aree", now=now
        )

        assert moment(ploy, "Nok was given back 50 coins.").details == ("Nok reads: “After all”",)
        assert summary(ploy).endswith("Ploy +1 star, Nok +50 coins.")


class TestCorrections:
    """What staff put right is told as what it was, and undoing it as that."""

    @pytest.fixture
    def rewarded(self, noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
        invited(ploy, noks_code)
        back_end.report(ploy)
        return attribution_of(ploy)

    def correct(self, verb: Any, subject: Any, **kwargs: Any) -> None:
        verb(subject, actor="staff:aree", reason="Settled", now=timezone.now(), **kwargs)

    def test_a_move_is_told_on_both_sides_once(
        self, rewarded: Attribution, ploy: Person, somchai: Person
    ) -> None:
        code = ReferralCode.objects.get(code=code_of(somchai, address="198.51.100.9"))
        self.correct(corrections.move_to_referrer, rewarded, code=code)

        away = moment(ploy, "Moved away: invited by Somchai, not by Nok.")
        here = moment(ploy, "Moved here: invited by Somchai, not by Nok.")
        assert {away.by.text, here.by.text} == {"aree (staff)"}
        assert away.details == here.details == ("Reason: Settled",)
        assert sum("Qualified" in text for text in texts(ploy)) == 1
        assert story(ploy).replaced == rewarded
        old = story(ploy, about=rewarded)
        assert old.successor == attribution_of_id(old.successor)
        assert "It was moved: Somchai counts as the inviter now." in old.summary
        assert summary(ploy).startswith("Ploy was attributed to Somchai by aree (staff) on")
        assert summary(ploy).endswith("Both were rewarded: Ploy +1 star, Somchai +50 coins.")

    def test_a_move_that_was_undone_is_told_as_both(
        self, rewarded: Attribution, ploy: Person, somchai: Person
    ) -> None:
        code = ReferralCode.objects.get(code=code_of(somchai, address="198.51.100.9"))
        self.correct(corrections.move_to_referrer, rewarded, code=code)
        self.correct(corrections.undo_move, Attribution.objects.get(replaces=rewarded))

        told = texts(ploy)

        assert "Moved away: invited by Somchai, not by Nok." in told
        assert "Moved back: invited by Nok, not by Somchai." in told
        assert "Restored: Ploy counts as invited by Nok again." in told
        assert summary(ploy).startswith("Ploy was invited by Nok with")

    def test_a_restoral_is_told(self, rewarded: Attribution, ploy: Person) -> None:
        self.correct(corrections.reverse, rewarded)
        self.correct(corrections.restore, rewarded)

        restored = moment(ploy, "Restored: Ploy counts as invited by Nok again.")
        assert restored.details == ("Reason: Settled",)
        assert "Nok was given back 50 coins." in texts(ploy)
        assert summary(ploy).endswith("Ploy +1 star, Nok +50 coins.")

    def test_a_reopened_rejection_is_told(self, noks_code: str) -> None:
        mali = newcomer("Mali", email="mali@mailinator.com")
        invited(mali, noks_code)
        self.correct(corrections.reject, attribution_of(mali))
        self.correct(corrections.reopen, attribution_of(mali))

        assert moment(mali, "Reopened: it is held for review again.").by.text == "aree (staff)"

    def test_an_attribution_by_hand_is_told_with_the_rules_that_would_have_stopped_it(
        self, noks_code: str
    ) -> None:
        tom = newcomer("Tom", age_seconds=30 * 86400)
        Browser().sign_in(tom).claim(noks_code)
        code = ReferralCode.objects.get(code=noks_code)
        self.correct(corrections.attribute_by_hand, user_of(tom), code=code)

        told = moment(tom, "Tom was attributed by hand to Nok (user_nok)")

        assert told.by.text == "aree (staff)"
        assert told.details[0] == "Reason: Settled"
        assert "account_is_new" in [check.rule for check in told.open_checks]
        assert summary(tom).startswith("Tom was attributed to Nok by aree (staff) on")

    def test_staffs_note_on_the_ledger_is_told(self, rewarded: Attribution, ploy: Person) -> None:
        paid = Transaction.objects.get(idempotency_key=rewarded.referrer_key)
        rewards.reverse_transaction(
            transaction=paid,
            reason="Corrected",
            note="Paid for a friend who is not one",
            key="1",
            actor="staff:aree",
            now=timezone.now(),
        )

        assert moment(ploy, "50 coins taken back from Nok.").details == (
            "Reason: Paid for a friend who is not one",
            "Nok reads: “Corrected”",
        )


def attribution_of_id(attribution: Attribution | None) -> Attribution:
    assert attribution is not None
    return Attribution.objects.get(pk=attribution.pk)


class TestNobody:
    """Why somebody is attributed to nobody."""

    def test_nothing_was_opened(self, ploy: Person) -> None:
        Browser().sign_in(ploy).me()

        assert summary(ploy) == (
            "Ploy is attributed to nobody. No invitation was opened and no code was claimed."
        )

    def test_opened_and_not_claimed(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).open_link(noks_code)

        assert f"{noks_code} of Nok was opened on" in summary(ploy)
        assert "has not been claimed; it can be claimed until" in summary(ploy)

    def test_opened_and_expired(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).open_link(noks_code)
        Capture.objects.update(expires_at=timezone.now())

        assert summary(ploy).endswith("without being claimed.")
        assert moment(ploy, f"{noks_code} expired unclaimed.").tone == Tone.STOPS

    def test_expired_before_the_first_sign_in(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.open_link(noks_code)
        Capture.objects.update(expires_at=timezone.now())
        browser.sign_in(ploy).me()

        assert "Ploy signed in: nothing opened in this browser was still valid." in texts(ploy)
        assert summary(ploy).endswith("without being claimed.")

    def test_forgotten(self, noks_code: str, ploy: Person) -> None:
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.delete("referrals/captures/current")

        assert summary(ploy).endswith("and forgotten on request.")

    def test_ones_own(self, nok: Person, noks_code: str, browser: Browser) -> None:
        browser.open_link(noks_code)
        browser.sign_in(nok).me()

        assert summary(nok).endswith("is their own code, and counts for nothing.")

    def test_another_person_signed_in_first_in_the_same_browser(
        self, noks_code: str, ploy: Person, mali: Person, browser: Browser
    ) -> None:
        browser.open_link(noks_code)
        browser.sign_in(mali).me()
        browser.sign_in(ploy).me()

        assert "but Mali signed in there first, on" in summary(ploy)
        assert summary(ploy).endswith("so it belongs to Mali.")

    def test_opened_in_the_same_browser_and_nobody_signed_in_since(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)

        assert summary(ploy).endswith("and nobody has signed in there since.")

    def test_the_code_of_an_inviter_that_friends_opened_on_her_phone_is_not_missed_by_her(
        self, nok: Person, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(nok).me()
        browser.sign_out().open_link(noks_code)
        browser.sign_in(ploy).me()

        assert summary(nok).endswith("No invitation was opened and no code was claimed.")

    def test_a_code_that_does_not_exist(self, ploy: Person) -> None:
        Browser().sign_in(ploy).claim("NOSUCHCODE")

        assert "A claim of NOSUCHCODE on" in summary(ploy)
        assert summary(ploy).endswith("was refused: There is no such code.")

    def test_refused_and_another_opened_since(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        Browser().sign_in(ploy).claim("NOSUCHCODE")
        Browser().sign_in(ploy).open_link(noks_code)

        assert "There is no such code. " in summary(ploy)
        assert "it can be claimed until" in summary(ploy)

    def test_banned(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).me()
        User.objects.filter(clerk_id=ploy.clerk_id).update(banned_at=timezone.now())

        assert summary(ploy).startswith("Ploy is banned. Ploy is attributed to nobody.")

    def test_erased(self, noks_code: str, ploy: Person) -> None:
        invited(ploy, noks_code)
        erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

        assert summary(ploy).startswith("The account has been deleted. user_ploy was invited by")
        assert "Ploy" not in " ".join([summary(ploy), *texts(ploy)])


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
    reject_attribution(attribution=attribution, actor="staff:aree", reason="x", now=timezone.now())


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


def test_each_of_two_attributions_has_a_summary_of_its_own(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)
    first = attribution_of(ploy)
    reverse_attribution(
        attribution=first, actor="staff:aree", reason="A mistake", now=timezone.now()
    )
    somchai = UserFactory(first_name="Somchai")
    second = AttributionFactory(referee=user_of(ploy), code__owner=somchai)

    assert "Somchai" in summary(ploy)
    assert "A mistake" in story(ploy, about=first).summary
    assert story(ploy, about=first).attribution == first
    assert story(ploy).attribution == second


def test_the_story_of_an_attribution_is_told_though_many_came_after(ploy: Person) -> None:
    user = UserFactory()
    old = timezone.now() - timedelta(days=400)
    first = AttributionFactory(referee=user, status="rejected", claimed_at=old)
    for _ in range(22):
        AttributionFactory(referee=user, status="rejected")

    told = story_of(user=user, now=timezone.now(), about=first)

    assert told.attribution == first
    assert first in [row for moment in told.moments for _, row in moment.links]
