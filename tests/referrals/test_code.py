"""`PUT /referrals/code`: a code of one's own choice."""

import pytest

from referrals.models import ReferralCode
from referrals.services import codes
from tests.factories import ReferralCodeFactory, UserFactory
from tests.people import Browser, Person
from tests.problems import field_errors, refused
from tests.referrals.story import code_of, user_of

pytestmark = pytest.mark.django_db


def choose(person: Person, code: object) -> object:
    return Browser().sign_in(person).put("referrals/code", {"code": code})


def test_the_chosen_code_is_shown_from_now_on(nok: Person) -> None:
    response = choose(nok, "nok-2026")

    assert response.status_code == 200
    assert response.json() == {
        "code": "NOK2026",
        "share_url": "https://app.example.com/?ref=NOK2026",
    }
    assert code_of(nok) == "NOK2026"
    assert Browser().sign_in(nok).get("referrals/status").json()["code"] == "NOK2026"


def test_the_old_one_keeps_working(nok: Person, noks_code: str, ploy: Person) -> None:
    choose(nok, "NOK2026")

    claimed = Browser().sign_in(ploy).claim(noks_code).json()["attribution"]

    assert (claimed["status"], claimed["code"]) == ("pending", noks_code)


def test_one_may_return_to_an_earlier_code(nok: Person, noks_code: str) -> None:
    choose(nok, "NOK2026")

    assert choose(nok, noks_code).status_code == 200

    assert code_of(nok) == noks_code
    assert ReferralCode.objects.filter(is_primary=True).count() == 1


def test_one_may_not_return_to_a_code_that_staff_switched_off(nok: Person, noks_code: str) -> None:
    choose(nok, "NOK2026")
    ReferralCode.objects.filter(code=noks_code).update(is_active=False)

    refused(choose(nok, noks_code), 422, "code_not_allowed")

    assert code_of(nok) == "NOK2026"


def test_choosing_it_again_changes_nothing(nok: Person) -> None:
    for _ in range(2):
        assert choose(nok, "NOK2026").status_code == 200
    assert user_of(nok).referral_codes.count() == 2


@pytest.mark.parametrize(
    "code", ["NOK", "A" * 21, "NOK!", "NO_K", "ÅÄÖÅ", "สวัสดี", "NOK\u0661\u0662", "----"]
)
def test_a_code_has_four_to_twenty_letters_and_digits(nok: Person, code: str) -> None:
    refused(choose(nok, code), 400, "invalid")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"code": "required"}),
        ({"code": None}, {"code": "null"}),
        ({"code": 2026}, {"code": "invalid"}),
        ({"code": "NOK2026", "user_id": "user_ploy"}, {"user_id": "unknown_field"}),
    ],
)
def test_bad_input_is_named_field_by_field(
    nok: Person, body: object, errors: dict[str, str]
) -> None:
    assert field_errors(Browser().sign_in(nok).put("referrals/code", body)) == errors


def test_somebody_elses_code_is_taken(nok: Person, ploy: Person) -> None:
    choose(nok, "SONGKRAN")

    refused(choose(ploy, "song kran"), 409, "code_taken")

    assert code_of(ploy) != "SONGKRAN"


def test_a_code_switched_off_stays_taken(ploy: Person) -> None:
    code = ReferralCodeFactory(is_active=False).code

    refused(choose(ploy, code), 409, "code_taken")


@pytest.mark.parametrize("word", ["ADMIN", "SUPPORT1", "FUCKYOU"])
def test_reserved_and_offensive_words_are_not_allowed(nok: Person, word: str) -> None:
    refused(choose(nok, word), 422, "code_not_allowed")


def test_codes_are_not_collected(nok: Person) -> None:
    for n in range(codes.MOST_CODES_PER_OWNER):
        last = choose(nok, f"CHOICE{n}")

    refused(last, 422, "code_not_allowed")


def test_a_random_code_is_long_and_not_derived_from_the_person() -> None:
    people = UserFactory.create_batch(50)
    for person in people:
        codes.create_referral_code(owner=person, now=person.created_at)

    made = set(ReferralCode.objects.values_list("code", flat=True))

    assert len(made) == 50
    assert all(len(code) == codes.CODE_LENGTH for code in made)
    assert all(set(code) <= set(codes.ALPHABET) for code in made)


def test_a_collision_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ReferralCodeFactory(code="222222222")
    letters = iter("2" * 9 + "3" * 9)
    monkeypatch.setattr(codes.secrets, "choice", lambda _: next(letters))
    person = UserFactory()

    codes.create_referral_code(owner=person, now=person.created_at)

    assert person.referral_codes.get().code == "333333333"


def test_a_person_without_a_code_is_given_one_when_they_look(nok: Person) -> None:
    Browser().sign_in(nok).me()
    ReferralCode.objects.all().delete()

    assert code_of(nok) == ReferralCode.objects.get().code


def test_a_visitor_is_told_to_sign_in() -> None:
    refused(Browser().put("referrals/code", {"code": "NOK2026"}), 401, "token_missing")


@pytest.mark.parametrize("code", ["ßß", "ſſſſ", "ﬁﬁ"])
def test_letters_whose_upper_case_is_ascii_are_no_code(nok: Person, code: str) -> None:
    response = Browser().sign_in(nok).put("referrals/code", {"code": code})

    assert field_errors(response) == {"code": "invalid"}


def test_a_code_of_ones_own_that_was_switched_off_stays_off(nok: Person, noks_code: str) -> None:
    off = ReferralCodeFactory(owner=user_of(nok), is_primary=False, is_active=False)

    refused(
        Browser().sign_in(nok).put("referrals/code", {"code": off.code}), 422, "code_not_allowed"
    )

    assert Browser().sign_in(nok).me()["referral_code"] == noks_code
    assert ReferralCode.objects.get(is_primary=True).code == noks_code
