"""Attribution: faults 1 to 6."""

from collections import Counter
from functools import partial
from unittest.mock import patch

import pytest

from referrals.models import Attribution
from rewards.amounts import Amounts
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.parallel import at_once
from tests.people import Browser, Person, newcomer
from tests.problems import field_errors, refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db
really_parallel = pytest.mark.django_db(transaction=True)
WELCOME = Amounts(free_points=3)


def test_fault_01_nobody_attributes_somebody_else_or_learns_their_referrer(
    noks_code: str, ploy: Person, somchai: Person
) -> None:
    victim = invited(ploy, noks_code)
    abuser = Browser().sign_in(somchai)

    for field in ("user_id", "new_user_id", "referee"):
        body = {"code": code_of(somchai), field: ploy.clerk_id}
        assert field_errors(abuser.post("referrals/claim", body)) == {field: "unknown_field"}
    refusal = victim.claim(code_of(somchai, address="198.51.100.9"))

    refused(refusal, 409, "already_attributed")
    assert b"nok" not in refusal.content.lower()
    assert list(Attribution.objects.values_list("referee__clerk_id", flat=True)) == ["user_ploy"]


@really_parallel
def test_fault_02_two_requests_at_once_attribute_and_pay_once(ploy: Person) -> None:
    codes = [ReferralCodeFactory().code for _ in range(4)]

    answers = at_once(*(partial(Browser().sign_in(ploy).claim, code) for code in codes))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert balances(ploy) == WELCOME + Amounts(stars=1)


def test_fault_03_old_accounts_and_mutual_referrals_collect_nothing(
    noks_code: str, nok: Person
) -> None:
    old = newcomer("Somchai", age_seconds=90 * 24 * 3600)
    refused(Browser().sign_in(old).claim(noks_code), 422, "not_new_account")

    ploy = newcomer("Ploy", account_created_at=nok.claims["account_created_at"])
    invited(ploy, noks_code)
    refused(Browser().sign_in(nok).claim(code_of(ploy)), 422, "reciprocal_referral")

    assert balances(old) == balances(nok) == WELCOME


@really_parallel
def test_fault_04_codes_are_random_and_everybody_has_exactly_one(ploy: Person, nok: Person) -> None:
    at_once(*[Browser().sign_in(ploy).me for _ in range(4)])
    code = user_of(ploy).referral_codes.get().code

    assert ploy.clerk_id[-4:].upper() not in code
    assert not code.startswith("REF")
    with patch("referrals.services.codes.secrets.choice") as choice:
        choice.side_effect = [*code, *reversed("BCDFGHJKM")]  # the first is a collision
        Browser().sign_in(nok).me()
    assert user_of(nok).referral_codes.get().code == "MKJHGFDCB"


def test_fault_05_validation_is_throttled_discreet_and_true(
    noks_code: str, ploy: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    TermsFactory(referee_stars=4)
    answer = Browser().post("referrals/validate", {"code": noks_code})
    promised = answer.json()["rewards"]["referee"]
    assert b"user_nok" not in answer.content

    assert invited(ploy, noks_code).me()["attribution"]["referee_reward"] == promised
    assert balances(ploy).stars == 4 == promised["stars"]

    guesser = Browser(address="203.0.113.66")
    codes = [guesser.post("referrals/validate", {"code": "GUESS"}).status_code for _ in range(61)]
    assert Counter(codes) == {404: 60, 429: 1}


def test_fault_06_statistics_count_what_happened_newest_first(
    noks_code: str, nok: Person, back_end: BackEnd
) -> None:
    for name in ("Ploy", "Mali", "Fah"):
        guest = newcomer(name)
        invited(guest, noks_code)
        back_end.report(guest)

    report = Browser().sign_in(nok).get("referrals/status").json()

    assert (report["stats"]["invited"], report["stats"]["rewarded"]) == (3, 3)
    assert report["earned"]["coins"] == 150
    assert [row["display_name"] for row in report["recent"]] == ["Fah", "Mali", "Ploy"]
