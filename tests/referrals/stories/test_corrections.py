"""What staff put right is told as what it was, and undoing it as that."""

from typing import Any

import pytest
from django.utils import timezone

from referrals.models import Attribution, ReferralCode
from referrals.services import corrections
from rewards import services as rewards
from rewards.models import Transaction
from tests.people import Browser, Person, newcomer
from tests.referrals.stories.told import moment, story, summary, texts
from tests.referrals.story import attribution_of, code_of, invited, user_of

pytestmark = pytest.mark.django_db


class TestCorrections:
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
