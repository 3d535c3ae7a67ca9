"""`PUT /referrals/code`: what looks like a code, or was one."""

import pytest

from referrals.models import ReferralCode
from tests.factories import ReferralCodeFactory
from tests.people import Browser, Person
from tests.problems import field_errors, refused
from tests.referrals.story import user_of

pytestmark = pytest.mark.django_db


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
