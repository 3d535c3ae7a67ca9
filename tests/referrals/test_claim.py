"""`POST /referrals/claim`: who invited this person, decided once."""

import pytest
from django.utils import timezone

from referrals.models import (
    Attribution,
    Capture,
    ClosedReason,
    Decision,
    ReferralCode,
)
from rewards.amounts import Amounts
from tests.factories import AttributionFactory, ReferralCodeFactory, TermsFactory, UserFactory
from tests.people import Browser, Person, newcomer
from tests.problems import field_errors, refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import (
    attribution_of,
    balances,
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
