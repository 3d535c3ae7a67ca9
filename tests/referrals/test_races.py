"""What happens at once ends as if it had happened one after the other."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from referrals.models import (
    LIVE_STATUSES,
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    QualifyingEvent,
    ReferralCode,
)
from referrals.services.releases import release_due
from rewards.amounts import Amounts
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.parallel import at_once
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd, an_event
from tests.referrals.story import balances, code_of, invited, open_captures_of, user_of

pytestmark = pytest.mark.django_db(transaction=True)

WELCOME = Amounts(free_points=3)
FIRST_READING = Amounts(free_points=2)


def same_age(*names: str) -> list[Person]:
    people = [newcomer(name) for name in names]
    for person in people:
        person.claims["account_created_at"] = people[0].claims["account_created_at"]
    return people


def test_parallel_claims_with_different_codes_make_one_attribution(ploy: Person) -> None:
    codes = [ReferralCodeFactory().code for _ in range(5)]
    browsers = [Browser().sign_in(ploy) for _ in codes]

    answers = at_once(*(partial(b.claim, c) for b, c in zip(browsers, codes, strict=True)))

    assert Counter(a.status_code for a in answers) == {201: 1, 409: 4}
    assert Attribution.objects.count() == 1
    assert balances(ploy) == WELCOME + Amounts(stars=1)
    assert Decision.objects.count() == 5


def test_parallel_claims_with_one_code_pay_once(noks_code: str, ploy: Person) -> None:
    browsers = [Browser().sign_in(ploy) for _ in range(5)]

    answers = at_once(*(partial(b.claim, noks_code) for b in browsers))

    assert Counter(a.status_code for a in answers) == {201: 1, 200: 4}
    assert len({a.json()["attribution"]["id"] for a in answers}) == 1
    assert balances(ploy) == WELCOME + Amounts(stars=1)


@pytest.mark.parametrize("cap", ["daily_cap", "total_cap"])
def test_two_claims_for_the_last_place_under_a_cap_let_one_in(
    ploy: Person, mali: Person, cap: str
) -> None:
    TermsFactory(**{cap: 1})
    code = ReferralCodeFactory().code
    browsers = [Browser().sign_in(person) for person in (ploy, mali)]

    answers = at_once(*(partial(b.claim, code) for b in browsers))

    assert sorted(a.status_code for a in answers) == [201, 422]
    assert {a.json()["code"] for a in answers if a.status_code == 422} == {"cap_reached"}
    assert Attribution.objects.count() == 1


def test_parallel_first_requests_make_one_person_with_one_code(ploy: Person) -> None:
    browsers = [Browser().sign_in(ploy) for _ in range(6)]

    answers = at_once(*(b.me for b in browsers))

    assert len({answer["referral_code"] for answer in answers}) == 1
    assert User.objects.count() == ReferralCode.objects.count() == 1
    assert balances(ploy) == WELCOME


def test_parallel_first_claims_of_a_new_person_attribute_once(noks_code: str, ploy: Person) -> None:
    browsers = [Browser().sign_in(ploy) for _ in range(4)]

    answers = at_once(*(partial(b.claim, noks_code) for b in browsers))

    assert Counter(a.status_code for a in answers) == {201: 1, 200: 3}
    assert balances(ploy) == WELCOME + Amounts(stars=1)


def carrying(value: str, person: Person | None) -> Browser:
    browser = Browser(header_mode=True)
    browser.browser_session = value
    return browser.sign_in(person) if person else browser


@pytest.mark.parametrize("attempt", range(4))
def test_of_two_people_one_adopts_a_browser_session(
    noks_code: str, ploy: Person, mali: Person, attempt: int
) -> None:
    visitor = Browser(header_mode=True)
    visitor.open_link(noks_code)
    for person in (ploy, mali):
        Browser().sign_in(person).me()
    browsers = [carrying(visitor.browser_session, person) for person in (ploy, mali)]

    at_once(*(b.me for b in browsers))

    assert sorted([open_captures_of(ploy), open_captures_of(mali)]) == [[], [noks_code]]
    session = BrowserSession.objects.get()
    assert open_captures_of(Person(session.adopted_by.clerk_id)) == [noks_code]
    assert visitor.browser_session not in {b.browser_session for b in browsers}


@pytest.mark.parametrize("attempt", range(4))
def test_a_capture_racing_an_adoption_is_the_visitors_or_the_persons(
    noks_code: str, ploy: Person, mali: Person, attempt: int
) -> None:
    visitor = Browser(header_mode=True)
    visitor.open_link(noks_code)
    late = ReferralCodeFactory().code
    person, tab = (carrying(visitor.browser_session, p) for p in (ploy, None))

    at_once(person.me, partial(tab.open_link, late))

    owned = open_captures_of(ploy)
    shown = tab.get("referrals/captures/current").json()["capture"]
    assert noks_code in owned
    assert (late in owned) != (shown is not None and shown["code"] == late)
    # Whatever the tab holds now is free for the next person, and only for them.
    tab.sign_in(mali).me()
    assert open_captures_of(mali) == ([] if late in owned else [late])


def test_two_adoptions_of_the_same_codes_by_one_person_merge(ploy: Person) -> None:
    codes = [ReferralCodeFactory().code for _ in range(4)]
    phone, laptop = Browser(), Browser()
    for code in codes:
        phone.open_link(code)
    for code in reversed(codes):
        laptop.open_link(code)
    Browser().sign_in(ploy).me()

    at_once(phone.sign_in(ploy).me, laptop.sign_in(ploy).me)

    assert open_captures_of(ploy) == sorted(codes)
    assert Capture.objects.filter(closed_reason="merged").count() == 4


def test_one_person_opening_a_code_in_two_tabs_holds_it_once(noks_code: str, ploy: Person) -> None:
    tabs = [Browser().sign_in(ploy) for _ in range(4)]

    answers = at_once(*(partial(tab.open_link, noks_code) for tab in tabs))

    assert Counter(a.status_code for a in answers) == {201: 1, 200: 3}
    assert open_captures_of(ploy) == [noks_code]


def test_one_event_sent_many_times_at_once_counts_once(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy)

    answers = at_once(*(partial(BackEnd(back_end.key).post, "events", sent) for _ in range(6)))

    assert Counter(a.status_code for a in answers) == {201: 1, 200: 5}
    assert QualifyingEvent.objects.count() == 1
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert balances(ploy) == WELCOME + Amounts(stars=1) + FIRST_READING


def test_different_events_at_once_reach_each_milestone_once(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)

    answers = at_once(*(partial(BackEnd(back_end.key).report, ploy) for _ in range(10)))

    assert {a.status_code for a in answers} == {201}
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert balances(ploy) == WELCOME + Amounts(stars=1, coins=25) + FIRST_READING


@pytest.mark.parametrize("attempt", range(3))
def test_overlapping_batches_in_opposite_order_both_succeed(
    noks_code: str, nok: Person, back_end: BackEnd, attempt: int
) -> None:
    guests = [newcomer(f"Guest{n}") for n in range(4)]
    for guest in guests[:2]:
        invited(guest, noks_code)
    events = [an_event(guests[n % 4]) for n in range(40)]

    answers = at_once(
        partial(BackEnd(back_end.key).report_all, events[:30]),
        partial(BackEnd(back_end.key).report_all, events[::-1][:30]),
    )

    results = [result for answer in answers for result in answer.json()["results"]]
    assert Counter(result["status"] for result in results) == {201: 40, 200: 20}
    assert balances(nok) == WELCOME + Amounts(coins=100)
    assert {balances(guest).coins for guest in guests} == {25}


def test_batches_about_the_same_strangers_both_succeed(back_end: BackEnd) -> None:
    strangers = [f"user_stranger{n}" for n in range(5)]

    answers = at_once(
        *(
            partial(BackEnd(back_end.key).report_all, [an_event(s) for s in order])
            for order in (strangers, strangers[::-1], strangers[2:] + strangers[:2])
        )
    )

    assert {a.status_code for a in answers} == {200}
    assert {balances(Person(s)) for s in strangers} == {WELCOME + FIRST_READING}


@pytest.mark.parametrize("attempt", range(3))
def test_two_people_claiming_each_others_code_at_once_make_no_cycle(attempt: int) -> None:
    people = same_age("Ploy", "Mali")
    codes = [code_of(p, address=f"198.51.100.{n}") for n, p in enumerate(people)]
    browsers = [Browser().sign_in(p) for p in people]

    answers = at_once(*(partial(b.claim, c) for b, c in zip(browsers, codes[::-1], strict=True)))

    assert sorted(a.status_code for a in answers) == [201, 422]
    assert {a.json().get("code") for a in answers} == {None, "reciprocal_referral"}


@pytest.mark.parametrize("attempt", range(5))
def test_a_ring_claimed_at_once_does_not_close(attempt: int) -> None:
    people = same_age("One", "Two", "Three", "Four")
    codes = [code_of(p, address=f"198.51.100.{n}") for n, p in enumerate(people)]
    browsers = [Browser().sign_in(p) for p in people]

    answers = at_once(
        *(partial(b.claim, c) for b, c in zip(browsers, [*codes[1:], codes[0]], strict=True))
    )

    assert Counter(a.status_code for a in answers) == {201: 3, 422: 1}
    assert not _cycles()


def _cycles() -> list[int]:
    """Follow each person's inviters; return those who come round to themselves."""
    inviter = dict(
        Attribution.objects.filter(status__in=LIVE_STATUSES).values_list("referee", "referrer")
    )
    found = []
    for start in inviter:
        at, steps = inviter.get(start), 0
        while at is not None and at != start and steps <= len(inviter):
            at, steps = inviter.get(at), steps + 1
        if at == start:
            found.append(start)
    return found


def test_a_claim_racing_the_events_that_qualify_it_pays_once(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    Browser().sign_in(ploy).me()

    at_once(
        partial(Browser().sign_in(ploy).claim, noks_code),
        *(partial(BackEnd(back_end.key).report, ploy) for _ in range(3)),
    )

    assert Attribution.objects.get().status == "rewarded"
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert balances(ploy) == WELCOME + Amounts(stars=1) + FIRST_READING


def test_a_claim_racing_the_deletion_of_its_referrer_pays_them_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    calls: list[Any] = [
        partial(BackEnd(back_end.key).report, ploy),
        partial(erase_user, clerk_id=nok.clerk_id, now=timezone.now()),
    ]

    at_once(*calls)

    assert not balances(nok)
    assert user_of(nok).is_gone


def test_two_people_choosing_one_vanity_code_at_once_let_one_have_it(
    ploy: Person, mali: Person
) -> None:
    browsers = [Browser().sign_in(p) for p in (ploy, mali)]

    answers = at_once(*(partial(b.put, "referrals/code", {"code": "SONGKRAN"}) for b in browsers))

    assert sorted(a.status_code for a in answers) == [200, 409]
    assert ReferralCode.objects.filter(is_primary=True).count() == 2


def test_parallel_releases_pay_each_referrer_once(back_end: BackEnd) -> None:
    TermsFactory(hold_days=1)
    codes = [ReferralCodeFactory() for _ in range(3)]
    guests = [newcomer(f"Guest{n}") for n in range(9)]
    for n, guest in enumerate(guests):
        invited(guest, codes[n % 3].code)
        back_end.report(guest)
    later = timezone.now() + timedelta(days=2)

    released = at_once(*[partial(release_due, now=later)] * 3)

    assert sum(run.moved for run in released) == 9
    assert {balances(Person(c.owner.clerk_id)) for c in codes} == {Amounts(coins=150)}
