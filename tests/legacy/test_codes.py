"""Old codes circulate for years: they go on leading to whom they led to."""

from typing import Any

import pytest

from accounts.models import User
from mimivibes.legacy.models import Matter
from referrals.models import Attribution, ReferralCode
from tests.commands import run
from tests.legacy.old_world import OldWorld
from tests.people import Browser, Person, newcomer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def there() -> OldWorld:
    return OldWorld()


def come_over(world: OldWorld, url: str) -> dict[str, Any]:
    world.load(url)
    return run("import_legacy", "--source", url, "--apply", "--inviter-coins", "30")


def test_codes_of_ones_own_work_as_people_type_them(there: OldWorld, own_source: str) -> None:
    nok = there.user(name="Nok Nokdee")
    for code in ("REF9F3KQ", "REF0AAAA"):
        there.code(nok, code)
    come_over(there, own_source)

    shown = Browser().post("referrals/validate", {"code": "REF0AAAA"})
    claim = Browser().sign_in(newcomer("Ploy")).claim("ref-9f3 kq")

    assert shown.json()["referrer"] == {"display_name": "Nok"}
    assert claim.status_code == 201
    assert Attribution.objects.get().referrer == User.objects.get(clerk_id=nok)
    assert Browser().sign_in(Person(nok)).me()["referral_code"] == "REF9F3KQ"


def test_what_an_invitation_left_leads_to_whom_it_was_made_for(
    there: OldWorld, own_source: str
) -> None:
    nok, ploy = there.person(), there.person()
    there.invite(nok, ploy, code="REFTHROWN")
    come_over(there, own_source)

    claim = Browser().sign_in(newcomer("Mali")).claim("REFTHROWN")

    assert claim.status_code == 201
    made = Attribution.objects.get(referee__clerk_id="user_mali")
    assert made.referrer == User.objects.get(clerk_id=ploy)


def test_whoever_had_none_has_one_now_and_is_counted(there: OldWorld, own_source: str) -> None:
    nok = there.user()

    report = come_over(there, own_source)

    assert report["quirks"]["own_code_missing"] == {"count": 1, "examples": [nok]}
    assert Browser().sign_in(Person(nok)).me()["referral_code"]


def test_a_code_that_is_somebodys_here_stays_theirs_and_is_listed(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    somchai = there.user()
    there.code(somchai, noks_code)

    come_over(there, own_source)

    assert ReferralCode.objects.get(code=noks_code).owner.clerk_id == "user_nok"
    assert Matter.objects.get().kind == "code_taken"
    assert Matter.objects.get().user == User.objects.get(clerk_id=somchai)
    assert Browser().sign_in(Person(somchai)).me()["referral_code"] != noks_code
