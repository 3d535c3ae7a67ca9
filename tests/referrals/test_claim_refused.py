"""`POST /referrals/claim`: which claims are refused, why, and what is left of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import (
    Attribution,
    Capture,
    ClosedReason,
    Program,
    ReferralCode,
    Status,
)
from referrals.services import corrections
from referrals.services.attributions import reverse_attribution
from rewards.amounts import Amounts
from tests.factories import AttributionFactory, ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.story import (
    attribution_of,
    balances,
    code_of,
    decision_on,
    invited,
    verdicts,
)

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


def test_an_unknown_code_is_not_found_and_written_down(ploy: Person) -> None:
    refused(Browser().sign_in(ploy).claim("NOSUCHCODE"), 404, "code_not_found")

    decision = decision_on(ploy)
    assert (decision.outcome, decision.refusal) == ("refused", "code_not_found")
    assert decision.code == "NOSUCHCODE"


@pytest.mark.parametrize("gone", ["deleted", "banned"])
def test_a_referrer_who_is_gone_has_no_valid_code(ploy: Person, gone: str) -> None:
    code = ReferralCodeFactory(**{f"owner__{gone}": True}).code

    refused(Browser().sign_in(ploy).claim(code), 404, "code_not_found")

    assert decision_on(ploy).refusal == "code_not_found"
    assert not Attribution.objects.exists()


def test_a_code_switched_off_after_it_was_captured_is_not_found(
    noks_code: str, ploy: Person
) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    ReferralCode.objects.update(is_active=False)

    refused(browser.sign_in(ploy).claim(), 404, "code_not_found")


def test_a_capture_out_of_use_gives_way_to_an_earlier_one(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    later = ReferralCodeFactory()
    browser.open_link(later.code)
    ReferralCode.objects.filter(pk=later.pk).update(is_active=False)

    assert browser.sign_in(ploy).claim().json()["attribution"]["code"] == noks_code


def test_ones_own_code_is_refused(nok: Person, noks_code: str) -> None:
    refused(Browser().sign_in(nok).claim(noks_code), 422, "self_referral")

    assert verdicts(decision_on(nok))["is_not_own_code"] == "fail"


def test_ones_own_code_opened_anonymously_is_dropped(
    nok: Person, noks_code: str, browser: Browser, ploy: Person
) -> None:
    browser.open_link(noks_code)

    assert browser.sign_in(nok).claim().json() == {"attribution": None}
    assert browser.sign_out().sign_in(ploy).claim().json() == {"attribution": None}
    assert Capture.objects.get().closed_reason == ClosedReason.OWN_CODE


def test_an_old_account_is_refused(noks_code: str) -> None:
    old = newcomer("Somchai", age_seconds=7 * 24 * 3600 + 60)

    refused(Browser().sign_in(old).claim(noks_code), 422, "not_new_account")

    assert verdicts(decision_on(old))["account_is_new"] == "fail"
    assert balances(old) == WELCOME


def test_an_account_inside_the_window_is_accepted() -> None:
    code = code_of(newcomer("Nok", age_seconds=10 * 24 * 3600))
    almost_old = newcomer("Ploy", age_seconds=7 * 24 * 3600 - 60)

    assert Browser().sign_in(almost_old).claim(code).status_code == 201


def test_a_refusal_leaves_the_capture_for_another_try(noks_code: str, ploy: Person) -> None:
    Program.objects.update(is_active=False)
    browser = Browser().sign_in(ploy)
    browser.open_link(noks_code)
    refused(browser.claim(), 422, "program_inactive")
    Program.objects.update(is_active=True)

    assert browser.claim().status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"ends_at": timezone.now() - timedelta(days=1)},
        {"starts_at": timezone.now() + timedelta(days=1)},
    ],
)
def test_a_program_that_does_not_run_takes_no_claims(
    noks_code: str, ploy: Person, change: dict[str, object]
) -> None:
    Program.objects.update(**change)

    refused(Browser().sign_in(ploy).claim(noks_code), 422, "program_inactive")

    assert decision_on(ploy).refusal == "program_inactive"


def test_a_program_whose_terms_are_yet_to_come_takes_no_claims(ploy: Person) -> None:
    program = Program.objects.create(slug="songkran", name="Songkran")
    TermsFactory(program=program, version=1, effective_from=timezone.now() + timedelta(days=1))
    code = ReferralCodeFactory(program=program).code

    refused(Browser().sign_in(ploy).claim(code), 422, "program_inactive")

    assert decision_on(ploy).refusal == "program_inactive"


def test_a_referrer_younger_than_the_referee_is_refused(ploy: Person) -> None:
    code = code_of(newcomer("Young", age_seconds=5))

    refused(Browser().sign_in(ploy).claim(code), 422, "reciprocal_referral")


def test_two_people_do_not_invite_each_other(noks_code: str, nok: Person) -> None:
    ploy = newcomer("Ploy", age_seconds=3600)
    invited(ploy, noks_code)

    refused(Browser().sign_in(nok).claim(code_of(ploy)), 422, "reciprocal_referral")

    assert verdicts(decision_on(nok))["closes_no_cycle"] == "fail"


@pytest.mark.parametrize("distance", [2, 3, 4])
def test_no_cycle_closes_at_any_distance(distance: int) -> None:
    same_age = 3600
    ring = [newcomer(f"Friend{n}", age_seconds=same_age) for n in range(distance + 1)]
    for person in ring:
        person.claims["account_created_at"] = ring[0].claims["account_created_at"]
    codes = [code_of(person, address=f"198.51.100.{n}") for n, person in enumerate(ring)]
    for inviter, person in zip(codes, ring[1:], strict=False):
        invited(person, inviter)

    refused(Browser().sign_in(ring[0]).claim(codes[-1]), 422, "reciprocal_referral")

    assert Attribution.objects.count() == distance


def test_a_cycle_that_was_reversed_is_none(noks_code: str, nok: Person) -> None:
    ploy = newcomer("Ploy", age_seconds=3600)
    ploy.claims["account_created_at"] = nok.claims["account_created_at"]
    invited(ploy, noks_code)
    reverse_attribution(
        attribution=attribution_of(ploy), actor="aree", reason="Mistaken", now=timezone.now()
    )

    assert Browser().sign_in(nok).claim(code_of(ploy)).status_code == 201


def test_the_last_place_under_the_daily_cap_is_the_last(ploy: Person, mali: Person) -> None:
    TermsFactory(daily_cap=2)
    code = ReferralCodeFactory()
    AttributionFactory(code=code)
    AttributionFactory(code=code, claimed_at=timezone.now() - timedelta(hours=25))

    assert Browser().sign_in(ploy).claim(code.code).status_code == 201
    refused(Browser().sign_in(mali).claim(code.code), 422, "cap_reached")

    assert verdicts(decision_on(mali))["referrer_is_within_caps"] == "fail"


def test_the_total_cap_counts_live_attributions(ploy: Person, mali: Person) -> None:
    TermsFactory(total_cap=2)
    code = ReferralCodeFactory()
    AttributionFactory(code=code, claimed_at=timezone.now() - timedelta(days=300))
    AttributionFactory(code=code, status=Status.REJECTED)

    assert Browser().sign_in(ploy).claim(code.code).status_code == 201
    refused(Browser().sign_in(mali).claim(code.code), 422, "cap_reached")


@pytest.mark.parametrize("verdict", ["rejected", "reversed"])
def test_after_a_rejection_or_reversal_only_staff_attribute(
    noks_code: str, ploy: Person, verdict: str
) -> None:
    if verdict == "rejected":
        del ploy.claims["account_created_at"]
    browser = invited(ploy, noks_code)
    undo = corrections.reject if verdict == "rejected" else reverse_attribution
    undo(attribution=attribution_of(ploy), actor="aree", reason="Abuse", now=timezone.now())

    for code in (noks_code, ReferralCodeFactory().code):
        refused(browser.claim(code), 422, "attribution_rejected")
    assert browser.claim().json() == {"attribution": None}
    assert browser.me()["attribution"]["status"] == verdict
