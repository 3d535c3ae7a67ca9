"""What staff decided and reversed."""

from typing import Any

import pytest
from django.utils import timezone

from referrals.models import Attribution
from referrals.services import corrections
from referrals.services.attributions import reverse_attribution
from referrals.services.story import Tone
from rewards import services as rewards
from rewards.models import Transaction
from tests.people import Browser, Person, newcomer
from tests.referrals.stories.told import moment, story, summary
from tests.referrals.story import attribution_of, invited

pytestmark = pytest.mark.django_db


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
        corrections.approve(
            attribution=attribution_of(held),
            actor="staff:aree",
            reason="Known to us",
            now=timezone.now(),
        )

        told = moment(held, "Approved")

        assert (told.by.text, told.details) == ("aree (staff)", ("Reason: Known to us",))
        assert "Mali was invited by Nok" in summary(held)

    def test_a_rejection_is_told_with_who_and_why(self, held: Person) -> None:
        corrections.reject(
            attribution=attribution_of(held),
            actor="staff:aree",
            reason="One person twice",
            now=timezone.now(),
        )

        assert moment(held, "Rejected: nobody is paid.").by.text == "aree (staff)"
        assert "and it no longer counts. It was rejected by aree (staff) on" in summary(held)
        assert summary(held).endswith("One person twice. Nobody has anything from it.")


class TestReversal:
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
