"""Rate limits: visitors by address, people by themselves, services not at all."""

from collections import Counter
from unittest.mock import Mock

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.test import Client
from django.utils import timezone
from redis.exceptions import TimeoutError

from accounts.services import create_api_key
from mimivibes.throttling import CallerThrottle
from tests.people import Browser, Person
from tests.problems import refused
from tests.referrals.back_end import BackEnd

pytestmark = pytest.mark.django_db


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallerThrottle, "THROTTLE_RATES", {"public": "3/min", "user": "5/min"})


def answers(browser: Browser, times: int) -> list[int]:
    return [browser.get("referrals/captures/current").status_code for _ in range(times)]


def test_a_visitor_is_told_when_to_come_back(rates: None) -> None:
    browser = Browser()
    assert answers(browser, 3) == [200] * 3

    response = browser.get("referrals/captures/current")

    refused(response, 429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 60


def test_visitors_are_counted_by_address(rates: None) -> None:
    answers(Browser(address="203.0.113.1"), 4)

    assert answers(Browser(address="203.0.113.2"), 1) == [200]


def test_every_public_call_counts(rates: None) -> None:
    browser = Browser()
    answers(browser, 3)

    for response in (
        browser.post("referrals/validate", {"code": "ABCD"}),
        browser.open_link("ABCD"),
        browser.get("referrals/rewards"),
    ):
        refused(response, 429, "throttled")


def test_people_are_counted_each_for_themselves(rates: None, ploy: Person, mali: Person) -> None:
    browser = Browser()
    assert Counter(answers(browser.sign_in(ploy), 6)) == {200: 5, 429: 1}
    assert answers(browser.sign_in(mali), 1) == [200]
    assert answers(browser.sign_out(), 1) == [200]


def test_another_device_does_not_help(rates: None, ploy: Person) -> None:
    answers(Browser().sign_in(ploy), 5)

    refused(Browser(address="203.0.113.2").sign_in(ploy).get("me"), 429, "throttled")


def test_services_and_webhooks_are_not_limited(rates: None) -> None:
    _, key = create_api_key(name="web app", scopes=["events"], now=timezone.now())

    assert {BackEnd(key).report("user_ploy").status_code for _ in range(8)} == {201}
    codes = {
        Client().post("/api/v1/webhooks/clerk", "{}", content_type="application/json").status_code
        for _ in range(8)
    }
    assert codes == {400}


def test_without_redis_nobody_is_limited_and_everybody_served(
    rates: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_listens = RedisCache("redis://127.0.0.1:1/0", {})
    monkeypatch.setattr(CallerThrottle, "cache", nobody_listens)
    monkeypatch.setattr(CallerThrottle, "asks_again_at", 0.0)

    assert answers(Browser(), 6) == [200] * 6


def test_a_redis_that_did_not_answer_is_asked_again_after_a_while(
    rates: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Mock(**{"get.side_effect": TimeoutError("Timeout reading from socket")})
    monkeypatch.setattr(CallerThrottle, "cache", silent)
    monkeypatch.setattr(CallerThrottle, "asks_again_at", 0.0)

    assert answers(Browser(), 6) == [200] * 6
    assert silent.get.call_count == 1

    monkeypatch.setattr(CallerThrottle, "cache", cache)
    monkeypatch.setattr(CallerThrottle, "asks_again_at", 0.0)
    assert answers(Browser(), 6) == [200] * 3 + [429] * 3


def test_the_first_limits_are_those_of_the_contract() -> None:
    assert CallerThrottle.THROTTLE_RATES == {"public": "60/min", "user": "600/min"}
