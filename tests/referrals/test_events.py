"""`POST /events`: what back ends report, and what it brings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key, erase_user
from referrals.models import Attribution, QualifyingEvent
from referrals.services.attributions import reverse_attribution
from referrals.services.events import NewEvent, record_event
from referrals.services.releases import release_due
from rewards.amounts import Amounts
from rewards.models import RewardRule
from tests.factories import TermsFactory
from tests.people import Browser, Person
from tests.problems import field_errors, refused
from tests.referrals.back_end import BackEnd, an_event
from tests.referrals.story import attribution_of, balances, invited, timeline, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)
FIRST_READING = Amounts(free_points=2)


def test_the_first_reading_rewards_the_referrer(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)

    response = back_end.report(ploy, event_id="evt_1")

    assert response.status_code == 201
    answer = response.json()
    assert (answer["id"], answer["attribution_status"]) == ("evt_1", "rewarded")
    assert answer["received_at"].endswith("Z")
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert balances(ploy) == WELCOME + Amounts(stars=1) + FIRST_READING
    assert timeline(attribution_of(ploy)) == [
        ("", "pending"),
        ("pending", "qualified"),
        ("qualified", "rewarded"),
    ]


def test_the_timeline_says_which_event_of_which_service_it_was(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report(ploy, event_id="evt_1")

    entry = attribution_of(ploy).timeline.last()

    assert "evt_1" in entry.reason
    assert entry.actor.startswith("service:")


def test_a_repeat_is_answered_alike_and_brings_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy, occurred_at="2026-01-02T03:04:05Z", data={"a": 1, "b": [1, 2]})
    first = back_end.post("events", sent)

    again = back_end.post("events", {**sent, "data": {"b": [1, 2], "a": 1}})

    assert again.status_code == 200
    assert again.json() == first.json()
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert QualifyingEvent.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"type": "reading.started"},
        {"user_id": "user_mali"},
        {"data": {"a": 2}},
        {"occurred_at": "2026-01-02T03:04:06Z"},
    ],
)
def test_the_same_id_with_other_content_is_a_conflict(
    ploy: Person, back_end: BackEnd, change: dict[str, Any]
) -> None:
    sent = an_event(ploy, occurred_at="2026-01-02T03:04:05Z", data={"a": 1})
    back_end.post("events", sent)

    refused(back_end.post("events", {**sent, **change}), 409, "event_conflict")

    assert QualifyingEvent.objects.count() == 1


def test_the_same_moment_in_another_zone_is_the_same_content(
    ploy: Person, back_end: BackEnd
) -> None:
    sent = an_event(ploy, occurred_at="2026-01-02T03:04:05Z")
    back_end.post("events", sent)

    again = back_end.post("events", {**sent, "occurred_at": "2026-01-02T10:04:05+07:00"})

    assert again.status_code == 200


def test_a_daily_rule_pays_at_its_count_on_every_day(nok: Person, noks_code: str) -> None:
    RewardRule.objects.filter(name="Daily activity").update(is_active=True, threshold=2)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    seconds = [-30, -20, -10, 0, 10, 20]

    for second in seconds:
        event = NewEvent(f"evt_{second}", "user.active", nok.clerk_id)
        record_event(event=event, source="test", now=midnight + timedelta(seconds=second))

    paid = user_of(nok).transactions.filter(memo="Daily activity").order_by("created_at")
    assert [line.reference for line in paid] == ["event:evt_-20", "event:evt_10"]


def test_somebody_unknown_is_provisioned(back_end: BackEnd) -> None:
    response = back_end.report("user_stranger")

    assert response.status_code == 201
    assert response.json()["attribution_status"] is None
    stranger = Person("user_stranger")
    assert balances(stranger) == WELCOME + FIRST_READING
    assert user_of(stranger).referral_codes.count() == 1


def test_an_unknown_type_is_kept_and_counts_for_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)

    response = back_end.report(ploy, type="horoscope.shared", data={"deep": {"er": [None]}})

    assert response.json()["attribution_status"] == "pending"
    assert QualifyingEvent.objects.get().data == {"deep": {"er": [None]}}
    assert balances(nok) == WELCOME
    assert balances(ploy) == WELCOME + Amounts(stars=1)


def test_the_nth_event_qualifies(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(qualifying_event_count=3)
    invited(ploy, noks_code)

    statuses = [back_end.report(ploy).json()["attribution_status"] for _ in range(4)]

    assert statuses == ["pending", "pending", "rewarded", "rewarded"]
    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_another_type_qualifies_if_the_terms_say_so(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(qualifying_event_type="order.paid")
    invited(ploy, noks_code)

    assert back_end.report(ploy).json()["attribution_status"] == "pending"
    assert back_end.report(ploy, type="order.paid").json()["attribution_status"] == "rewarded"


def test_events_before_the_claim_count_towards_the_nth(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(qualifying_event_count=2)
    back_end.report(ploy)
    invited(ploy, noks_code)

    assert back_end.report(ploy).json()["attribution_status"] == "rewarded"


def test_hold_days_delay_the_referrers_reward(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=14)
    browser = invited(ploy, noks_code)

    assert back_end.report(ploy).json()["attribution_status"] == "qualified"

    shown = browser.me()["attribution"]
    assert shown["qualified_at"] is not None
    assert shown["rewarded_at"] is None
    assert balances(nok) == WELCOME
    now = timezone.now()
    assert release_due(now=now + timedelta(days=13)).moved == 0
    assert release_due(now=now + timedelta(days=15)).moved == 1
    assert release_due(now=now + timedelta(days=15)).moved == 0
    assert balances(nok) == WELCOME + Amounts(coins=50)
    assert timeline(attribution_of(ploy))[-1] == ("qualified", "rewarded")


def test_a_referrer_gone_before_the_event_is_not_paid(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    erase_user(clerk_id=nok.clerk_id, now=timezone.now())

    assert back_end.report(ploy).json()["attribution_status"] == "qualified"

    assert release_due(now=timezone.now() + timedelta(days=1)).moved == 0
    assert not balances(nok)


def test_a_referrer_gone_during_the_hold_is_not_paid(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=1)
    invited(ploy, noks_code)
    back_end.report(ploy)
    erase_user(clerk_id=nok.clerk_id, now=timezone.now())

    assert release_due(now=timezone.now() + timedelta(days=2)).moved == 0
    assert not balances(nok)


@pytest.mark.parametrize("gone", ["deleted", "banned"])
def test_events_of_somebody_gone_are_kept_without_data_and_bring_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd, gone: str
) -> None:
    invited(ploy, noks_code)
    if gone == "deleted":
        erase_user(clerk_id=ploy.clerk_id, now=timezone.now())
    else:
        User.objects.filter(clerk_id=ploy.clerk_id).update(banned_at=timezone.now())
    before = balances(ploy)

    assert back_end.report(ploy, data={"question": "Love?"}).status_code == 201

    assert QualifyingEvent.objects.get().data == {}
    assert balances(ploy) == before
    assert balances(nok) == WELCOME


def test_milestones_are_paid_once_each(ploy: Person, back_end: BackEnd) -> None:
    readings = [an_event(ploy) for _ in range(100)]

    back_end.report_all(readings[:60])
    back_end.report_all(readings[40:])
    back_end.report_all(readings)

    assert QualifyingEvent.objects.count() == 100
    assert balances(ploy) == Amounts(stars=3, free_points=3 + 2 + 5, coins=25)


def test_a_qualifying_event_that_pays_everybody_takes_at_most_ten_queries(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(qualifying_event_count=10)
    invited(ploy, noks_code)
    back_end.report_all([an_event(ploy) for _ in range(9)])

    with statements() as sent:
        answer = back_end.report(ploy).json()

    assert answer["attribution_status"] == "rewarded"
    assert balances(ploy).coins == 25
    assert len(sent) <= 10


def test_a_first_event_that_qualifies_takes_at_most_ten_queries(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report("user_mali")

    with statements() as sent:
        assert back_end.report(ploy).json()["attribution_status"] == "rewarded"

    assert len(sent) <= 10


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"id": ""}, {"id": "blank"}),
        ({"id": 7}, {"id": "invalid"}),
        ({"id": None}, {"id": "null"}),
        ({"id": "x" * 256}, {"id": "max_length"}),
        ({"type": ["reading.completed"]}, {"type": "invalid"}),
        ({"type": "x" * 101}, {"type": "max_length"}),
        ({"user_id": ""}, {"user_id": "blank"}),
        ({"user_id": 3.5}, {"user_id": "invalid"}),
        ({"occurred_at": "yesterday"}, {"occurred_at": "invalid"}),
        ({"occurred_at": 1767225600}, {"occurred_at": "invalid"}),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, {"occurred_at": "overflow"}),
        ({"data": "text"}, {"data": "not_a_dict"}),
        ({"data": None}, {"data": "null"}),
        ({"stars": 100}, {"stars": "unknown_field"}),
    ],
)
def test_bad_input_is_named_field_by_field(
    ploy: Person, back_end: BackEnd, change: dict[str, Any], errors: dict[str, str]
) -> None:
    assert field_errors(back_end.post("events", {**an_event(ploy), **change})) == errors
    assert not QualifyingEvent.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["id", "type", "user_id"])
def test_what_an_event_needs_is_required(ploy: Person, back_end: BackEnd, field: str) -> None:
    sent = an_event(ploy)
    del sent[field]

    assert field_errors(back_end.post("events", sent)) == {field: "required"}


def test_a_persons_token_does_not_report_events(ploy: Person) -> None:
    for path, body in (("events", an_event(ploy)), ("events/batch", {"events": [an_event(ploy)]})):
        response = Browser().sign_in(ploy).post(path, body)
        refused(response, 401, "api_key_missing")
        assert response["WWW-Authenticate"] == "Api-Key"
    assert not QualifyingEvent.objects.exists()


def test_neither_does_a_stranger_or_a_wrong_key(ploy: Person, back_end: BackEnd) -> None:
    refused(Browser().post("events", an_event(ploy)), 401, "api_key_missing")
    refused(BackEnd(back_end.key + "x").report(ploy), 401, "api_key_invalid")


def test_a_key_needs_the_scope(ploy: Person) -> None:
    _, key = create_api_key(name="shop", scopes=["rewards:spend"], now=timezone.now())

    refused(BackEnd(key).report(ploy), 403, "scope_missing")


def test_an_attribution_reversed_is_not_qualified_again(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    reverse_attribution(
        attribution=Attribution.objects.get(), actor="aree", reason="Abuse", now=timezone.now()
    )

    assert back_end.report(ploy).json()["attribution_status"] == "reversed"
