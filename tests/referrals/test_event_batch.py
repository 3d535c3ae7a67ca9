"""`POST /events/batch`: many events, each judged in its own place."""

from typing import Any

import pytest

from referrals.models import QualifyingEvent
from rewards.amounts import Amounts
from tests.people import Person, newcomer
from tests.problems import field_errors
from tests.referrals.back_end import BackEnd, an_event
from tests.referrals.story import attribution_of, balances, invited, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def test_every_event_is_answered_in_order(ploy: Person, back_end: BackEnd) -> None:
    known = an_event(ploy)
    back_end.post("events", known)
    fresh = an_event(ploy)

    answered = results(
        back_end.report_all(
            [fresh, known, fresh, {**known, "type": "other"}, {**fresh, "data": {"a": 1}}]
        )
    )

    assert answered == [
        {"id": fresh["id"], "status": 201},
        {"id": known["id"], "status": 200},
        {"id": fresh["id"], "status": 200},
        {"id": known["id"], "status": 409, "code": "event_conflict"},
        {"id": fresh["id"], "status": 409, "code": "event_conflict"},
    ]
    assert QualifyingEvent.objects.count() == 2


@pytest.mark.parametrize("change", [{"type": "other"}, {"user_id": "user_mali"}])
def test_a_new_id_that_comes_again_with_other_content_conflicts_and_stops_nobody(
    ploy: Person, back_end: BackEnd, change: dict[str, str]
) -> None:
    first, fresh = an_event(ploy), an_event(ploy)

    answered = results(back_end.report_all([first, {**first, **change}, fresh]))

    assert [result["status"] for result in answered] == [201, 409, 201]
    assert QualifyingEvent.objects.filter(user__clerk_id=ploy.clerk_id).count() == 2
    assert balances(ploy) == WELCOME + Amounts(free_points=2)


@pytest.mark.parametrize(
    ("bad", "shown_id"),
    [
        (None, None),
        ("text", None),
        (7, None),
        ([], None),
        ({}, None),
        ({"id": 7}, None),
        ({"id": "evt_bad"}, "evt_bad"),
        ({"id": "evt_bad", "type": "x", "user_id": "user_ploy", "extra": 1}, "evt_bad"),
        ({"id": "evt_bad", "type": "x", "user_id": "user_ploy", "occurred_at": "no"}, "evt_bad"),
    ],
)
def test_a_bad_one_is_told_in_its_place_and_stops_nobody(
    ploy: Person, back_end: BackEnd, bad: Any, shown_id: str | None
) -> None:
    first, last = an_event(ploy), an_event(ploy)

    answered = results(back_end.report_all([first, bad, last]))

    assert [result["status"] for result in answered] == [201, 400, 201]
    assert answered[1]["id"] == shown_id
    assert answered[1]["code"]
    assert QualifyingEvent.objects.count() == 2


def test_only_bad_ones_are_fine_too(back_end: BackEnd) -> None:
    assert [r["status"] for r in results(back_end.report_all([{}, {}]))] == [400, 400]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"events": "required"}),
        ({"events": []}, {"events": "min_length"}),
        ({"events": {}}, {"events": "not_a_list"}),
        ({"events": None}, {"events": "null"}),
        ({"events": [{}] * 501}, {"events": "max_length"}),
        ({"events": [{}], "dry_run": True}, {"dry_run": "unknown_field"}),
    ],
)
def test_a_batch_that_is_none_is_refused(
    back_end: BackEnd, body: Any, errors: dict[str, str]
) -> None:
    assert field_errors(back_end.post("events/batch", body)) == errors


def test_five_hundred_events_of_many_people_are_recorded(noks_code: str, back_end: BackEnd) -> None:
    guests = [newcomer(f"Guest{n}") for n in range(5)]
    for guest in guests:
        invited(guest, noks_code)
    events = [an_event(guests[n % 5]) for n in range(500)]

    with statements() as sent:
        answered = results(back_end.report_all(events))

    assert {result["status"] for result in answered} == {201}
    assert {attribution_of(guest).status for guest in guests} == {"rewarded"}
    assert balances(guests[0]) == Amounts(stars=1 + 3, free_points=3 + 2 + 5, coins=25)
    assert len(sent) < 100


def test_the_nth_event_is_found_inside_a_batch(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    events = [an_event(ploy) for _ in range(12)]

    results(back_end.report_all([*events[:6], *events[3:]]))

    assert balances(ploy) == Amounts(stars=1, free_points=3 + 2, coins=25)
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert {
        transaction.reference
        for transaction in user_of(ploy).transactions.filter(memo="10 readings")
    } == {f"event:{events[9]['id']}"}


def test_a_batch_of_repeats_costs_the_same_however_long(ploy: Person, back_end: BackEnd) -> None:
    events = [an_event(ploy) for _ in range(40)]
    back_end.report_all(events)
    costs = []
    for size in (2, 40):
        with statements() as sent:
            results(back_end.report_all(events[:size]))
        costs.append(len(sent))

    assert costs[0] == costs[1]
