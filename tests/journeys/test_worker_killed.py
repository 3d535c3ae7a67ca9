"""A worker of the server dies in the middle of its work: callers try again, nothing is doubled."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psutil
import pytest

from accounts.models import User
from referrals.models import QualifyingEvent
from rewards.models import Transaction
from rewards.services import balances_of, verify_ledger
from tests.journeys.over_http import Service, Site
from tests.people import newcomer
from tests.waiting import until

WORKERS = 2
CALLERS = 6
ROUNDS = 25
TRIES = 100


def _workers(site: Site) -> list[psutil.Process]:
    port = str(httpx.URL(site.base_url).port)
    server = next(p for p in psutil.Process().children() if port in p.cmdline())
    return [p for p in server.children() if p.status() != psutil.STATUS_ZOMBIE]


def _until_it_answers(send: Callable[[], httpx.Response]) -> httpx.Response:
    for _ in range(TRIES):
        try:
            return send()
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("The server does not come back.")


def _use(service: Service, clerk_id: str) -> list[int]:
    """Report a reading and spend a star for it, round by round."""
    statuses = []
    for n in range(ROUNDS):
        name = f"{clerk_id}-{n}"
        event = _until_it_answers(partial(service.report, name, clerk_id))
        spent = _until_it_answers(partial(service.spend, clerk_id, 1, key=name))
        statuses += [event.status_code, spent.status_code]
    return statuses


def test_what_was_cut_off_is_done_once_when_it_is_sent_again(site: Site, service: Service) -> None:
    people = [newcomer(f"P{n}").clerk_id for n in range(CALLERS)]
    for clerk_id in people:
        body = {"user_id": clerk_id, "amounts": {"stars": ROUNDS}, "reason": "A gift"}
        assert service.post("rewards/grants", body, key=clerk_id).status_code == 201

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(_use, service, clerk_id) for clerk_id in people]
        time.sleep(0.3)
        killed = _workers(site)[0]
        os.kill(killed.pid, signal.SIGKILL)
        statuses = {status for caller in callers for status in caller.result()}

    assert statuses <= {200, 201}
    assert QualifyingEvent.objects.count() == CALLERS * ROUNDS
    assert Transaction.objects.filter(kind="spend").count() == CALLERS * ROUNDS
    for clerk_id in people:
        held = balances_of(User.objects.get(clerk_id=clerk_id).pk)
        # Left are the welcome and the first reading's reward, and the tenth's.
        assert (held.stars + held.free_points, held.coins) == (3 + 2, 25)
    assert verify_ledger() == []


@pytest.fixture(autouse=True)
def _all_workers_afterwards(site: Site) -> Iterator[None]:
    """Wait for the replacement, so that later journeys meet a whole server."""
    yield
    until(lambda: len(_workers(site)) == WORKERS)
