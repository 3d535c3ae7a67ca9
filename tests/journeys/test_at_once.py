"""Many requests at the same moment: what may happen once happens once."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from accounts.models import User
from referrals.models import Attribution, ProgramTerms
from rewards.models import Transaction
from rewards.services import balances_of, verify_ledger
from tests.journeys.over_http import AT_ONCE, Service, Site, at_once
from tests.people import Person, newcomer


def _statuses(answers: Iterable[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def _balances(person: Person) -> dict[str, int]:
    return balances_of(User.objects.get(clerk_id=person.clerk_id).pk).as_dict()


def test_one_persons_claims_of_two_codes_make_one_attribution(
    site: Site, noks_link: str, somchais_link: str, ploy: Person
) -> None:
    codes = [noks_link, somchais_link] * (AT_ONCE // 2)
    phones = [site.browser().sign_in(ploy) for _ in codes]

    answers = at_once(
        [lambda p=phone, c=code: p.claim(c) for phone, code in zip(phones, codes, strict=True)]
    )

    assert _statuses(answers) == {201: 1, 200: AT_ONCE // 2 - 1, 409: AT_ONCE // 2}
    assert Attribution.objects.count() == 1
    assert _balances(ploy)["stars"] == 1
    assert verify_ledger() == []


def test_the_last_places_under_a_cap_are_given_once(site: Site, noks_link: str) -> None:
    ProgramTerms.objects.create(
        program=ProgramTerms.objects.get().program,
        version=2,
        effective_from=timezone.now() - timedelta(minutes=1),
        total_cap=3,
        referee_stars=1,
    )
    phones = [site.browser().sign_in(newcomer(f"P{n}")) for n in range(AT_ONCE)]

    answers = at_once([lambda p=phone: p.claim(noks_link) for phone in phones])

    assert _statuses(answers) == {201: 3, 422: AT_ONCE - 3}
    assert {a.json()["code"] for a in answers if a.status_code == 422} == {"cap_reached"}


@pytest.mark.parametrize("attempt", range(4))
def test_of_two_people_who_claim_each_others_codes_one_succeeds(site: Site, attempt: int) -> None:
    one, other = (site.browser().sign_in(newcomer(name)) for name in ("One", "Other"))
    ones, others = one.me()["referral_code"], other.me()["referral_code"]

    answers = at_once([lambda: one.claim(others), lambda: other.claim(ones)])

    assert _statuses(answers) == {201: 1, 422: 1}


def test_one_event_sent_many_times_rewards_once(
    site: Site, service: Service, nok: Person, noks_link: str, ploy: Person
) -> None:
    site.browser().sign_in(ploy).claim(noks_link)

    answers = at_once([lambda: service.report("reading-1", ploy.clerk_id)] * AT_ONCE)

    assert _statuses(answers) == {201: 1, 200: AT_ONCE - 1}
    assert _balances(nok)["coins"] == 50
    assert _balances(ploy)["free_points"] == 3 + 2
    assert verify_ledger() == []


def test_many_events_of_one_person_reach_each_milestone_once(
    site: Site, service: Service, nok: Person, noks_link: str, ploy: Person
) -> None:
    site.browser().sign_in(ploy).claim(noks_link)

    answers = at_once([lambda n=n: service.report(f"r-{n}", ploy.clerk_id) for n in range(AT_ONCE)])

    assert _statuses(answers) == {201: AT_ONCE}
    assert _balances(ploy) == {"stars": 1, "free_points": 3 + 2, "coins": 25, "exp": 0}
    assert _balances(nok)["coins"] == 50
    assert verify_ledger() == []


def test_batches_that_overlap_record_each_event_once(
    site: Site, service: Service, noks_link: str
) -> None:
    people = [newcomer(f"P{n}") for n in range(4)]
    for person in people:
        site.browser().sign_in(person).claim(noks_link)
    events = [
        {"id": f"r-{n}", "type": "reading.completed", "user_id": people[n % 4].clerk_id}
        for n in range(40)
    ]
    batches = [events[n:] + events[:n] for n in range(0, 40, 5)]
    batches += [list(reversed(batch)) for batch in batches]

    answers = at_once(
        [lambda b=batch: service.post("events/batch", {"events": b}) for batch in batches]
    )

    results = Counter(result["status"] for a in answers for result in a.json()["results"])
    assert results == {201: 40, 200: 40 * (len(batches) - 1)}
    assert [_balances(person)["coins"] for person in people] == [25] * 4
    assert verify_ledger() == []


def test_spends_on_a_small_balance_take_no_more_than_there_is(
    site: Site, service: Service, ploy: Person
) -> None:
    site.browser().sign_in(ploy).me()

    answers = at_once(
        [lambda n=n: service.spend(ploy.clerk_id, 1, key=f"k-{n}") for n in range(AT_ONCE)]
    )

    assert _statuses(answers) == {201: 3, 409: AT_ONCE - 3}
    assert _balances(ploy)["free_points"] == 0
    assert verify_ledger() == []


def test_one_spend_sent_many_times_is_done_once_and_answers_alike(
    site: Site, service: Service, ploy: Person
) -> None:
    site.browser().sign_in(ploy).me()

    answers = at_once([lambda: service.spend(ploy.clerk_id, 2, key="same")] * AT_ONCE)

    assert _statuses(answers) == {201: AT_ONCE}
    assert all(answer.json() == answers[0].json() for answer in answers)
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert Counter(replayed) == {"true": AT_ONCE - 1, None: 1}
    assert _balances(ploy)["free_points"] == 1
    assert verify_ledger() == []


def test_one_key_for_different_spends_does_one_and_refuses_the_rest(
    site: Site, service: Service, ploy: Person
) -> None:
    site.browser().sign_in(ploy).me()
    amounts = [1, 2] * (AT_ONCE // 2)

    answers = at_once(
        [lambda a=amount: service.spend(ploy.clerk_id, a, key="same") for amount in amounts]
    )

    assert _statuses(answers) == {201: AT_ONCE // 2, 422: AT_ONCE // 2}
    assert Transaction.objects.filter(kind="spend").count() == 1


def test_spends_exchanges_grants_and_reversals_leave_a_ledger_that_proves(
    site: Site, service: Service, ploy: Person
) -> None:
    phone = site.browser().sign_in(ploy)
    phone.me()
    body = {"user_id": ploy.clerk_id, "amounts": {"coins": 30, "stars": 2}, "reason": "A gift"}
    gift = service.post("rewards/grants", body, key="gift").json()["transaction"]["id"]
    exchange = {"from": "coins", "to": "stars", "units": 1}

    at_once(
        [
            *[lambda n=n: service.spend(ploy.clerk_id, 2, key=f"s-{n}") for n in range(5)],
            *[
                lambda n=n: phone.post("rewards/exchange", exchange, **{"Idempotency-Key": f"{n}"})
                for n in range(5)
            ],
            *[lambda n=n: service.post("rewards/grants", body, key=f"g-{n}") for n in range(3)],
            *[
                lambda n=n: service.post(
                    f"rewards/transactions/{gift}/reverse", {"reason": "A mistake"}, key=f"r-{n}"
                )
                for n in range(3)
            ],
        ]
    )

    assert Transaction.objects.filter(reverses=gift).count() <= 1
    assert min(_balances(ploy).values()) >= 0
    assert verify_ledger() == []
