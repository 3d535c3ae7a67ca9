"""`POST /referrals/claim`: who invited this person, decided once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import (
    Attribution,
    Capture,
    ClosedReason,
    Decision,
    Program,
    ReferralCode,
    Status,
)
from referrals.services import corrections
from referrals.services.attributions import reverse_attribution
from rewards.amounts import Amounts
from tests.factories import AttributionFactory, ReferralCodeFactory, TermsFactory, UserFactory
from tests.people import Browser, Person, newcomer
from tests.problems import field_errors, refused
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
from tests.statements import statements

pytestmark = pytest.mark.django_db

NOTHING = {"stars": 0, "free_points": 0, "coins": 0, "exp": 0}
WELCOME = Amounts(free_points=3)


def test_the_invited_person_is_attributed_and_rewarded(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(noks_code)

    response = browser.sign_in(ploy).claim()

    assert response.status_code == 201
    attribution = attribution_of(ploy)
    shown = dict(response.json()["attribution"])
    assert shown.pop("claimed_at").endswith("Z")
    assert shown == {
        "id": str(attribution.pk),
        "status": "pending",
        "code": noks_code,
        "program": "default",
        "referrer": {"display_name": "Nok"},
        "qualified_at": None,
        "rewarded_at": None,
        "referee_reward": {**NOTHING, "stars": 1},
    }
    assert balances(ploy) == WELCOME + Amounts(stars=1)
    assert browser.me()["attribution"] == response.json()["attribution"]


def test_every_rule_is_written_down_with_its_reason(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)

    decision = decision_on(ploy)

    assert (decision.outcome, decision.refusal, decision.code) == ("accepted", "", noks_code)
    assert decision.attribution == attribution_of(ploy)
    assert set(verdicts(decision).values()) == {"pass"}
    assert len(decision.evaluations) >= 12
    assert all(evaluation["reason"] for evaluation in decision.evaluations)
    assert timeline(attribution_of(ploy)) == [("", "pending")]


def test_a_code_sent_along_wins_over_what_was_captured(noks_code: str, ploy: Person) -> None:
    other = ReferralCodeFactory(owner__first_name="Other").code
    browser = Browser().sign_in(ploy)
    browser.open_link(noks_code)

    response = browser.claim(other)

    assert response.json()["attribution"]["referrer"] == {"display_name": "Other"}
    assert open_captures_of(ploy) == []


def test_the_last_opened_counts_by_default(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(ReferralCodeFactory().code)
    browser.open_link(noks_code)

    assert browser.sign_in(ploy).claim().json()["attribution"]["code"] == noks_code


def test_the_first_opened_counts_if_the_terms_say_so(noks_code: str, ploy: Person) -> None:
    TermsFactory(touch="first")
    browser = Browser()
    browser.open_link(noks_code)
    browser.open_link(ReferralCodeFactory().code)

    assert browser.sign_in(ploy).claim().json()["attribution"]["code"] == noks_code


def test_touches_are_ordered_by_opening_not_by_adoption(noks_code: str, ploy: Person) -> None:
    phone, laptop = Browser(), Browser()
    phone.open_link(noks_code)
    laptop.open_link(later := ReferralCodeFactory().code)

    laptop.sign_in(ploy).me()
    phone.sign_in(ploy).me()

    assert phone.claim().json()["attribution"]["code"] == later


def test_a_claim_consumes_every_capture_of_the_person(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    for code in (ReferralCodeFactory().code, noks_code):
        browser.open_link(code)

    browser.sign_in(ploy).claim()

    assert open_captures_of(ploy) == []
    assert set(Capture.objects.values_list("closed_reason", flat=True)) == {ClosedReason.CLAIMED}
    assert browser.get("referrals/captures/current").json() == {"capture": None}


def test_without_a_code_there_is_nothing_to_claim(ploy: Person) -> None:
    response = Browser().sign_in(ploy).claim()

    assert (response.status_code, response.json()) == (200, {"attribution": None})
    assert not Decision.objects.exists()


def test_an_expired_capture_is_never_claimed(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    Capture.objects.update(expires_at=timezone.now())

    response = browser.sign_in(ploy).claim()

    assert response.json() == {"attribution": None}


@pytest.mark.parametrize("repeat_code", [True, False])
def test_a_repeated_claim_returns_what_stands(
    noks_code: str, ploy: Person, repeat_code: bool
) -> None:
    browser = Browser().sign_in(ploy)
    first = browser.claim(noks_code)

    again = browser.claim(noks_code if repeat_code else None)

    assert again.status_code == 200
    assert again.json() == first.json()
    assert balances(ploy) == WELCOME + Amounts(stars=1)
    assert Decision.objects.count() == 1


def test_another_code_of_the_same_referrer_returns_what_stands(
    noks_code: str, nok: Person, ploy: Person
) -> None:
    browser = invited(ploy, noks_code)
    Browser().sign_in(nok).put("referrals/code", {"code": "NOKNOK"})

    assert browser.claim("nok-nok").status_code == 200


def test_another_referrers_code_is_refused_and_tells_nothing(noks_code: str, ploy: Person) -> None:
    browser = invited(ploy, noks_code)

    response = browser.claim(ReferralCodeFactory().code)

    refused(response, 409, "already_attributed")
    assert b"Nok" not in response.content
    assert b"user_nok" not in response.content
    assert decision_on(ploy).refusal == "already_attributed"
    assert Attribution.objects.count() == 1


def test_somebody_attributed_with_other_captures_keeps_what_stands(
    noks_code: str, ploy: Person
) -> None:
    browser = invited(ploy, noks_code)
    browser.open_link(ReferralCodeFactory().code)

    response = browser.claim()

    assert response.status_code == 200
    assert response.json()["attribution"]["code"] == noks_code


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


def test_an_attribution_is_paid_by_the_terms_it_was_made_under(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    TermsFactory(referee_stars=9, referrer_coins=900)

    back_end.report(ploy)

    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_terms_that_reward_nobody_pay_nobody(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(referee_stars=0, referrer_coins=0)
    browser = invited(ploy, noks_code)

    back_end.report(ploy)

    assert browser.me()["attribution"]["status"] == "rewarded"
    assert balances(nok) == WELCOME


def test_a_visitor_is_told_to_sign_in(noks_code: str) -> None:
    response = Browser().claim(noks_code)

    refused(response, 401, "token_missing")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_is_refused_and_nothing_adopted(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(noks_code)

    response = browser.post("referrals/claim", {}, Authorization="Bearer not.a.token")

    refused(response, 401, "token_invalid")
    assert browser.get("referrals/captures/current").json()["capture"]["code"] == noks_code


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"code": ""}, {"code": "blank"}),
        ({"code": None}, {"code": "null"}),
        ({"code": 7}, {"code": "invalid"}),
        ({"code": "A" * 65}, {"code": "max_length"}),
        ({"user_id": "user_nok"}, {"user_id": "unknown_field"}),
        ({"referred_user_id": "user_nok", "code": "ABCD"}, {"referred_user_id": "unknown_field"}),
    ],
)
def test_bad_input_is_named_field_by_field(
    ploy: Person, body: object, errors: dict[str, str]
) -> None:
    assert field_errors(Browser().sign_in(ploy).post("referrals/claim", body)) == errors
    assert not Decision.objects.exists()


def test_an_accepted_claim_takes_at_most_fourteen_statements(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()

    with statements() as sent:
        assert browser.claim().status_code == 201

    assert len(sent) <= 14


def test_the_address_is_kept_hashed_only(noks_code: str, ploy: Person) -> None:
    Browser(address="203.0.113.77").sign_in(ploy).claim(noks_code)

    decision = decision_on(ploy)
    assert len(decision.address_hash) == 64
    assert "203.0.113" not in repr(vars(decision))


def test_a_claim_qualifies_at_once_if_the_events_came_before_it(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    back_end.report(ploy)

    browser = invited(ploy, noks_code)

    shown = browser.me()["attribution"]
    assert shown["status"] == "rewarded"
    assert shown["qualified_at"] is not None
    assert shown["rewarded_at"] is not None
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert timeline(attribution_of(ploy)) == [
        ("", "pending"),
        ("pending", "qualified"),
        ("qualified", "rewarded"),
    ]


def test_a_claim_that_qualifies_at_once_takes_at_most_fourteen_statements(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    back_end.report(ploy)
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()

    with statements() as sent:
        assert browser.claim().status_code == 201

    assert len(sent) <= 14


def test_a_person_first_seen_by_their_claim_is_attributed(noks_code: str) -> None:
    stranger = newcomer("Stranger")

    assert Browser().sign_in(stranger).claim(noks_code).status_code == 201

    assert user_of(stranger).referral_codes.count() == 1
    assert balances(stranger) == WELCOME + Amounts(stars=1)


def test_claims_cost_the_same_however_many_came_before(noks_code: str, nok: Person) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    costs = []
    for guest in (newcomer("One"), newcomer("Two")):
        browser = Browser().sign_in(guest)
        browser.me()
        with statements() as sent:
            assert browser.claim(noks_code).status_code == 201
        costs.append(len(sent))
        for _ in range(5):
            AttributionFactory(code=code, referee=UserFactory())
    assert costs[0] == costs[1]
