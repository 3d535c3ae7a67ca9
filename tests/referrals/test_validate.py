"""`POST /referrals/validate`: anybody may ask whether a code works, and learns little else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import Program, ReferralCode
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.problems import field_errors, refused
from tests.referrals.story import code_of, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def test_a_code_shows_the_first_name_and_what_both_sides_get(noks_code: str) -> None:
    response = Browser().post("referrals/validate", {"code": noks_code})

    assert response.status_code == 200
    assert response.json() == {
        "code": noks_code,
        "valid": True,
        "referrer": {"display_name": "Nok"},
        "rewards": {
            "referee": {"stars": 1, "free_points": 0, "coins": 0, "exp": 0},
            "referrer": {"stars": 0, "free_points": 0, "coins": 50, "exp": 0},
        },
    }


def test_case_spaces_and_hyphens_do_not_matter(noks_code: str) -> None:
    typed = f" {noks_code[:3].lower()}-{noks_code[3:6]} {noks_code[6:].lower()} "

    response = Browser().post("referrals/validate", {"code": typed})

    assert response.json()["code"] == noks_code


def test_the_rewards_shown_follow_the_terms_in_force(noks_code: str) -> None:
    TermsFactory(referee_stars=0, referee_coins=7, referrer_coins=70)
    TermsFactory(referrer_coins=1, effective_from=timezone.now() + timedelta(days=1))

    rewards = Browser().post("referrals/validate", {"code": noks_code}).json()["rewards"]

    assert rewards["referee"]["coins"] == 7
    assert rewards["referrer"]["coins"] == 70


@pytest.mark.parametrize("name", ["nok@example.com", "", "   "])
def test_a_name_that_is_no_first_name_is_not_shown(name: str) -> None:
    code = code_of(newcomer("Nok", first_name=name, email="nok@example.com"))

    shown = Browser().post("referrals/validate", {"code": code}).json()["referrer"]

    assert shown == {"display_name": "A friend"}


def test_a_full_name_is_cut_to_the_first(db: None) -> None:
    code = code_of(newcomer("Nok", first_name="Nok Suda", last_name="Jaidee"))

    shown = Browser().post("referrals/validate", {"code": code}).json()["referrer"]

    assert shown == {"display_name": "Nok"}


def test_unknown_inactive_and_ownerless_codes_look_alike(noks_code: str, nok: Person) -> None:
    inactive = ReferralCodeFactory(is_active=False).code
    deleted = ReferralCodeFactory(owner__deleted=True).code
    banned = ReferralCodeFactory(owner__banned=True).code

    answers = [
        Browser().post("referrals/validate", {"code": code})
        for code in ("NOSUCHCODE", inactive, deleted, banned)
    ]

    assert len({response.content for response in answers}) == 1
    refused(answers[0], 404, "code_not_found")


def test_a_code_of_a_program_that_is_over_is_not_valid(noks_code: str) -> None:
    Program.objects.update(ends_at=timezone.now())

    response = Browser().post("referrals/validate", {"code": noks_code})

    refused(response, 404, "code_not_found")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"code": "required"}),
        ({"code": ""}, {"code": "blank"}),
        ({"code": "  "}, {"code": "blank"}),
        ({"code": None}, {"code": "null"}),
        ({"code": 12345}, {"code": "invalid"}),
        ({"code": ["A"]}, {"code": "invalid"}),
        ({"code": "A" * 65}, {"code": "max_length"}),
        ({"code": "ABCDE", "user_id": "user_nok"}, {"user_id": "unknown_field"}),
    ],
)
def test_bad_input_is_named_field_by_field(body: object, errors: dict[str, str]) -> None:
    assert field_errors(Browser().post("referrals/validate", body)) == errors


@pytest.mark.parametrize(
    "code", ["' OR 1=1 --", "%", "<script>", "\uff2e\uff2f\uff2b", "🎁🎁🎁🎁", "ßßßß"]
)
def test_strange_codes_are_just_unknown(code: str) -> None:
    refused(Browser().post("referrals/validate", {"code": code}), 404, "code_not_found")


def test_it_is_looked_up_in_two_queries(noks_code: str) -> None:
    browser = Browser()

    with statements() as sent:
        browser.post("referrals/validate", {"code": noks_code})

    assert len(sent) == 2


def test_an_earlier_code_of_the_owner_stays_valid(nok: Person, noks_code: str) -> None:
    Browser().sign_in(nok).put("referrals/code", {"code": "NOKNOK"})

    for code in (noks_code, "NOKNOK"):
        assert Browser().post("referrals/validate", {"code": code}).status_code == 200
    assert ReferralCode.objects.filter(owner=user_of(nok)).count() == 2
