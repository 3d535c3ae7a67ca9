"""A case: why it waits, with which evidence, and what to approve it would pay."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from referrals.models import Attribution, Decision, Outcome, QualifyingEvent, Status, UserDevice
from referrals.services.corrections import reject, reopen
from referrals.services.queue import Case, held_cases
from rewards.amounts import Amounts
from tests.factories import AttributionFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.held_queue.pages import page
from tests.referrals.story import attribution_of, invited, user_of

pytestmark = pytest.mark.django_db
DEVICES = [UUID(f"0192f0c1-0000-7000-8000-00000000000{n}") for n in (1, 2)]


def the_case(**wanted: Any) -> Case:
    """Return the one case of the queue."""
    cases, _ = held_cases(now=timezone.now(), **wanted)
    assert len(cases) == 1
    return cases[0]


class TestEvidence:
    def test_every_rule_that_did_not_pass_is_told(self, noks_code: str, nok: Person) -> None:
        phone = Browser(address="198.51.100.7")
        phone.sign_in(nok).me()
        ploy = Person("user_ploy", {"first_name": "Ploy", "email": "ploy@mailinator.com"})
        phone.sign_in(ploy).claim(noks_code)

        reasons = the_case().reasons

        assert [(r.rule, r.verdict, r.text) for r in reasons] == [
            ("account_is_new", "unknown", "Clerk has not yet said when the account was made."),
            ("devices_differ", "review", "Referrer and referee have used the same device."),
            ("mailbox_is_lasting", "review", "The e-mail address is of a disposable domain."),
        ]

    def test_what_clerk_has_answered_since_is_no_reason_any_more(
        self, noks_code: str, mali: Person
    ) -> None:
        attribution = attribution_of(mali)
        told = Decision.objects.get(attribution=attribution)
        unknown = {"rule": "account_is_new", "verdict": "unknown", "reason": "Not said."}
        Decision.objects.create(
            referee=told.referee,
            attribution=attribution,
            code=noks_code,
            at=told.at,
            outcome=Outcome.HELD,
            evaluations=[unknown],
        )

        assert [reason.rule for reason in the_case().reasons] == ["mailbox_is_lasting"]

        Attribution.objects.update(awaits_age=True)
        assert [reason.rule for reason in the_case().reasons] == [
            "mailbox_is_lasting",
            "account_is_new",
        ]

    def test_devices_that_both_have_used_are_named_with_their_dates(self, mali: Person) -> None:
        nok, since = User.objects.get(clerk_id="user_nok"), timezone.now() - timedelta(days=3)
        _, shared = [UserDevice.objects.create(user=nok, device_id=d) for d in DEVICES]
        UserDevice.objects.create(user=user_of(mali), device_id=DEVICES[1], first_seen_at=since)

        devices = the_case().devices

        assert [(d.device_id, d.referee_since, d.referrer_since) for d in devices] == [
            (DEVICES[1], since, shared.first_seen_at)
        ]

    def test_claims_of_the_referrer_before_it_are_counted_by_hour_and_day(
        self, mali: Person
    ) -> None:
        held = attribution_of(mali)
        for hours in (-1, 0.5, 2, 23, 25):
            AttributionFactory(
                code=held.code,
                status=Status.REJECTED,
                claimed_at=held.claimed_at - timedelta(hours=hours),
            )

        numbers = the_case().numbers

        assert (numbers.in_hour, numbers.in_day) == (1, 3)

    def test_claims_from_the_same_network_address_are_counted_never_named(
        self, reviewer: Client, noks_code: str, somchai: Person
    ) -> None:
        somchais_code = Browser().sign_in(somchai).me()["referral_code"]
        Browser().sign_in(newcomer("Ploy")).claim(noks_code)
        Browser().sign_in(newcomer("Dao")).claim(somchais_code)
        Browser(address="192.0.2.9").sign_in(newcomer("Fah")).claim(noks_code)
        Browser().sign_in(newcomer("Mali", email="mali@mailinator.com")).claim(noks_code)

        numbers = the_case().numbers

        assert (numbers.from_address, numbers.from_address_for_referrer) == (2, 1)
        shown = page(reviewer)
        assert "2 claims of others, 1 of them for this referrer" in shown
        assert "203.0.113" not in shown
        assert Decision.objects.latest("id").address_hash not in shown

    def test_an_address_whose_hash_has_expired_is_no_longer_known(
        self, reviewer: Client, mali: Person
    ) -> None:
        Decision.objects.update(address_hash="")

        assert the_case().numbers.from_address is None
        assert "no longer known" in page(reviewer)

    def test_the_referrers_record_is_counted(self, mali: Person, noks_code: str) -> None:
        held = attribution_of(mali)
        invited(newcomer("Dao"), noks_code)
        for status in (Status.REJECTED, Status.REJECTED, Status.REVERSED):
            AttributionFactory(code=held.code, status=status)

        record = the_case().record

        assert (record.invited, record.held, record.rewarded) == (2, 1, 0)
        assert (record.rejected, record.reversed, record.is_cut) == (2, 1, False)

    def test_what_staff_have_reopened_waits_since_then_and_shows_their_reason(
        self, reviewer: Client, mali: Person
    ) -> None:
        attribution = attribution_of(mali)
        asked: dict[str, Any] = {"actor": "staff:aree", "now": timezone.now()}
        reject(attribution, reason="Too fast", **asked)
        reopen(attribution, reason="Her mother wrote to us", **asked)

        case = the_case()

        assert (case.holding.at, case.holding.is_by_staff) == (asked["now"], True)
        assert "Her mother wrote to us" in page(reviewer)


class TestPayments:
    """What the queue says that an approval pays is what it pays."""

    def test_the_referee_at_once_the_referrer_after_the_reading(self, mali: Person) -> None:
        referee, referrer = the_case().payments

        assert (referee.user, referee.amounts, referee.when) == (
            *(user_of(mali), Amounts(stars=1), "at once"),
        )
        assert (referrer.user.clerk_id, referrer.amounts, referrer.when) == (
            *("user_nok", Amounts(coins=50), "after 1 more reading.completed of the referee"),
        )

    def test_both_at_once_if_the_reading_has_been(self, mali: Person, back_end: BackEnd) -> None:
        back_end.report(mali)
        assert [payment.when for payment in the_case().payments] == ["at once", "at once"]

    def test_the_referrer_after_the_hold(
        self, noks_code: str, back_end: BackEnd, ploy: Person
    ) -> None:
        TermsFactory(hold_days=7, referee_stars=0)
        ploy.claims["email"] = "ploy@mailinator.com"
        invited(ploy, noks_code)

        (before,) = the_case().payments
        back_end.report(ploy)
        (after,) = the_case().payments

        assert before.when == "7 days after 1 × reading.completed of the referee"
        assert after.when.endswith(", after a hold of 7 days")

    def test_no_banned_referrer(self, mali: Person) -> None:
        User.objects.filter(clerk_id="user_nok").update(banned_at=timezone.now())

        assert the_case().payments[1].when == "not while the account is deleted or banned"

    def test_events_beyond_those_needed_are_not_counted(self, mali: Person) -> None:
        for number in range(3):
            QualifyingEvent.objects.create(
                event_id=f"e{number}",
                type="reading.completed",
                user=user_of(mali),
                occurred_at=timezone.now(),
            )
        assert the_case().numbers.events == 1
