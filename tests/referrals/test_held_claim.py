"""Claims that are held: for the age of an account, or for staff to look at."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from referrals.models import Attribution, Decision, ReferralCode
from referrals.services import corrections
from referrals.services.attributions import MoveNotAllowed
from referrals.services.releases import Released, release_due
from rewards.amounts import Amounts
from tests.accounts.requests import deliver_user
from tests.factories import AttributionFactory, ReferralCodeFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import (
    attribution_of,
    balances,
    code_of,
    decision_on,
    invited,
    timeline,
    user_of,
    verdicts,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


@pytest.fixture
def unknown_age() -> Person:
    """Ploy, whose token does not say when her account was made."""
    return Person("user_ploy", {"first_name": "Ploy"})


def deliver(kind: str, person: Person, **fields: Any) -> None:
    response = deliver_user(kind, person.clerk_id, **fields)
    assert response.json() == {"status": "processed"}, response.content


def test_a_claim_of_unknown_age_is_held_and_pays_nobody(
    noks_code: str, unknown_age: Person, back_end: BackEnd, nok: Person
) -> None:
    response = Browser().sign_in(unknown_age).claim(noks_code)

    assert response.status_code == 201
    assert response.json()["attribution"]["status"] == "held"
    back_end.report(unknown_age)
    assert attribution_of(unknown_age).status == "held"
    assert balances(unknown_age) == WELCOME + Amounts(free_points=2)
    assert balances(nok) == WELCOME
    decision = decision_on(unknown_age)
    assert decision.outcome == "held"
    assert verdicts(decision)["account_is_new"] == "unknown"


def test_it_is_released_when_the_webhook_brings_the_age(
    noks_code: str, unknown_age: Person
) -> None:
    browser = invited(unknown_age, noks_code)

    deliver("user.created", unknown_age, created_at=datetime.now(UTC))

    assert browser.me()["attribution"]["status"] == "pending"
    assert balances(unknown_age) == WELCOME + Amounts(stars=1)
    assert timeline(attribution_of(unknown_age)) == [("", "held"), ("held", "pending")]


def test_it_is_rejected_when_the_webhook_shows_an_old_account(
    noks_code: str, unknown_age: Person
) -> None:
    browser = invited(unknown_age, noks_code)

    deliver("user.updated", unknown_age, created_at=datetime.now(UTC) - timedelta(days=30))

    assert browser.me()["attribution"]["status"] == "rejected"
    assert balances(unknown_age) == WELCOME
    refused(browser.claim(noks_code), 422, "attribution_rejected")


def test_it_is_released_when_a_token_claim_brings_the_age(
    noks_code: str, unknown_age: Person, ploy: Person
) -> None:
    invited(unknown_age, noks_code)

    shown = Browser().sign_in(ploy).me()

    assert shown["attribution"]["status"] == "pending"
    assert shown["balances"]["stars"] == 1


def test_the_age_counts_at_the_time_of_the_claim(unknown_age: Person) -> None:
    month = 30 * 24 * 3600
    invited(unknown_age, code_of(newcomer("Nok", age_seconds=month)))
    eight_days_ago = timezone.now() - timedelta(days=8)
    Attribution.objects.update(claimed_at=eight_days_ago)

    deliver("user.created", unknown_age, created_at=eight_days_ago - timedelta(days=2))

    assert attribution_of(unknown_age).status == "pending"


def test_events_before_the_release_count(
    noks_code: str, nok: Person, unknown_age: Person, back_end: BackEnd
) -> None:
    invited(unknown_age, noks_code)
    back_end.report(unknown_age)

    deliver("user.created", unknown_age, created_at=datetime.now(UTC))

    assert attribution_of(unknown_age).status == "rewarded"
    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_it_is_rejected_when_the_referrer_turns_out_to_be_younger(unknown_age: Person) -> None:
    invited(unknown_age, code_of(newcomer("Young", age_seconds=10)))

    deliver("user.created", unknown_age, created_at=datetime.now(UTC) - timedelta(days=1))

    assert attribution_of(unknown_age).status == "rejected"


def test_it_is_rejected_when_the_referrer_has_gone_meanwhile(unknown_age: Person) -> None:
    code = ReferralCodeFactory()
    invited(unknown_age, code.code)
    deliver("user.deleted", Person(code.owner.clerk_id))

    deliver("user.created", unknown_age, created_at=datetime.now(UTC))

    assert attribution_of(unknown_age).status == "rejected"


def test_the_mailbox_that_comes_with_the_age_is_judged_too() -> None:
    code = code_of(newcomer("Nok", age_seconds=3600, email="nok@gmail.com"))
    unknown = Person("user_ploy")
    invited(unknown, code)

    deliver("user.created", unknown, created_at=datetime.now(UTC), email="n.o.k+2@gmail.com")

    held = attribution_of(unknown)
    assert (held.status, held.awaits_age, held.awaits_review) == ("held", False, True)
    assert verdicts(decision_on(unknown))["mailboxes_differ"] == "review"
    assert balances(unknown) == WELCOME


def test_what_decides_it_is_kept_as_a_decision(noks_code: str, unknown_age: Person) -> None:
    invited(unknown_age, noks_code)

    deliver("user.created", unknown_age, created_at=datetime.now(UTC))

    told = Decision.objects.order_by("id").values_list("outcome", "attribution__referee__clerk_id")
    assert list(told) == [("held", "user_ploy"), ("accepted", "user_ploy")]


def test_a_banned_persons_claim_waits_for_the_end_of_the_ban(
    noks_code: str, unknown_age: Person
) -> None:
    invited(unknown_age, noks_code)
    now = datetime.now(UTC)
    deliver("user.updated", unknown_age, created_at=now, updated_at=now, banned=True)

    with pytest.raises(MoveNotAllowed):
        corrections.approve(
            attribution=attribution_of(unknown_age), actor="aree", reason="Known", now=now
        )
    assert release_due(now=now) == Released()
    assert (attribution_of(unknown_age).status, balances(unknown_age)) == ("held", WELCOME)

    later = now + timedelta(seconds=1)
    deliver("user.updated", unknown_age, created_at=now, updated_at=later, banned=False)
    assert release_due(now=later).moved == 1
    assert attribution_of(unknown_age).status == "pending"


def test_what_is_held_for_review_too_stays_held(noks_code: str, nok: Person) -> None:
    shared = Browser()
    shared.sign_in(nok).me()
    unknown = Person("user_ploy", {"first_name": "Ploy"})
    assert shared.sign_in(unknown).claim(noks_code).status_code == 201

    deliver("user.created", unknown, created_at=datetime.now(UTC))

    held = attribution_of(unknown)
    assert (held.status, held.awaits_age, held.awaits_review) == ("held", False, True)


def test_what_no_signal_decided_is_decided_by_release(noks_code: str, unknown_age: Person) -> None:
    invited(unknown_age, noks_code)
    user = user_of(unknown_age)
    type(user).objects.filter(pk=user.pk).update(account_created_at=timezone.now())

    assert release_due(now=timezone.now()).moved == 1
    assert release_due(now=timezone.now()) == Released()

    assert attribution_of(unknown_age).status == "pending"


def test_referrer_and_referee_on_one_device_are_held(
    noks_code: str, nok: Person, ploy: Person, browser: Browser
) -> None:
    browser.sign_in(nok).me()
    browser.sign_out().open_link(noks_code)

    response = browser.sign_in(ploy).claim()

    assert response.json()["attribution"]["status"] == "held"
    assert verdicts(decision_on(ploy))["devices_differ"] == "review"
    assert balances(ploy) == WELCOME


def test_the_device_is_known_though_the_referrer_signs_in_later(
    noks_code: str, nok: Person, ploy: Person, browser: Browser
) -> None:
    browser.sign_in(ploy).me()
    browser.sign_in(nok).me()

    response = Browser().sign_in(ploy).claim(noks_code)

    assert response.json()["attribution"]["status"] == "held"


def test_a_third_person_on_the_device_is_no_reason_to_hold(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.sign_in(ploy).me()

    response = browser.sign_in(mali).claim(noks_code)

    assert response.json()["attribution"]["status"] == "pending"


@pytest.mark.parametrize(
    ("referrer_email", "referee_email"),
    [
        ("nok@example.com", "nok+second@example.com"),
        ("nok@example.com", "NOK@EXAMPLE.COM"),
        ("n.o.k@gmail.com", "nok+x@googlemail.com"),
    ],
)
def test_the_same_mailbox_is_held(referrer_email: str, referee_email: str) -> None:
    code = code_of(newcomer("Nok", age_seconds=3600, email=referrer_email))
    second = newcomer("Second", email=referee_email)

    response = Browser().sign_in(second).claim(code)

    assert response.json()["attribution"]["status"] == "held"
    assert verdicts(decision_on(second))["mailboxes_differ"] == "review"


@pytest.mark.parametrize(
    ("referrer_email", "referee_email"),
    [("", ""), ("n.ok@example.com", "nok@example.com"), ("nok@gmail.com", "nok@example.com")],
)
def test_other_mailboxes_are_not_held(referrer_email: str, referee_email: str) -> None:
    code = code_of(newcomer("Nok", age_seconds=3600, email=referrer_email))

    response = Browser().sign_in(newcomer("Second", email=referee_email)).claim(code)

    assert response.json()["attribution"]["status"] == "pending"


def test_a_disposable_mailbox_is_held(noks_code: str) -> None:
    fleeting = newcomer("Fleeting", email="someone@mailinator.com")

    response = Browser().sign_in(fleeting).claim(noks_code)

    assert response.json()["attribution"]["status"] == "held"
    assert verdicts(decision_on(fleeting))["mailbox_is_lasting"] == "review"


def test_over_twenty_claims_an_hour_for_one_referrer_are_held(
    noks_code: str, ploy: Person, mali: Person
) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    AttributionFactory.create_batch(19, code=code)
    AttributionFactory(code=code, claimed_at=timezone.now() - timedelta(minutes=61))

    statuses = [
        Browser(address=f"203.0.113.{n}").sign_in(person).claim(noks_code).json()
        for n, person in enumerate([ploy, mali])
    ]

    assert [answer["attribution"]["status"] for answer in statuses] == ["pending", "held"]
    assert verdicts(decision_on(mali))["referrer_is_not_hurried"] == "review"


def test_over_ten_claims_an_hour_from_one_address_are_held() -> None:
    codes = [ReferralCodeFactory().code for _ in range(12)]

    statuses = [
        Browser(address="203.0.113.9").sign_in(newcomer(f"Guest{n}")).claim(code).json()
        for n, code in enumerate(codes)
    ]

    assert [answer["attribution"]["status"] for answer in statuses] == ["pending"] * 10 + [
        "held"
    ] * 2
    elsewhere = Browser(address="203.0.113.10").sign_in(newcomer("Elsewhere")).claim(codes[0])
    assert elsewhere.json()["attribution"]["status"] == "pending"


def test_refused_claims_do_not_count_against_an_address(noks_code: str, ploy: Person) -> None:
    for n in range(12):
        Browser().sign_in(newcomer(f"Guest{n}")).claim("NOSUCHCODE")

    response = Browser().sign_in(ploy).claim(noks_code)

    assert response.json()["attribution"]["status"] == "pending"


def test_a_held_attribution_takes_a_place_under_the_cap(unknown_age: Person, mali: Person) -> None:
    TermsFactory(total_cap=1)
    code = ReferralCodeFactory().code
    invited(unknown_age, code)

    refused(Browser().sign_in(mali).claim(code), 422, "cap_reached")


def test_a_held_claim_repeated_is_the_same(noks_code: str, unknown_age: Person) -> None:
    browser = Browser().sign_in(unknown_age)
    first = browser.claim(noks_code)

    again = browser.claim(noks_code)

    assert (again.status_code, again.json()) == (200, first.json())
    assert Decision.objects.count() == 1


def test_a_held_claim_takes_at_most_fourteen_statements(
    noks_code: str, unknown_age: Person
) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(unknown_age).me()

    with statements() as sent:
        assert browser.claim().status_code == 201

    assert len(sent) <= 14
