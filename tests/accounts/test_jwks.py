"""Keys from Clerk's JWKS: fetched seldom, by one at a time, and never lost."""

import threading
from typing import Any

import jwt
import pytest
from django.utils import timezone

from accounts.clerk import keys
from accounts.clerk.keys import KeysUnavailable
from accounts.clerk.tokens import TokenInvalid, verify_session_token
from mimivibes.development import _new_private_key, public_key
from tests.accounts.clerk_server import ClerkServer
from tests.accounts.requests import assert_problem, call
from tests.clerk import session_token
from tests.settings import ISSUER_PRIVATE_KEY

NEW_KEY = _new_private_key()
FORGED_KEY = _new_private_key()


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: Any) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keys, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def _keys_from_clerk(settings: Any, clerk: ClerkServer, clock: Clock) -> Any:
    settings.CLERK_JWT_KEY = ""
    settings.CLERK_JWKS_URL = f"{clerk.url}/.well-known/jwks.json"
    clerk.keys["ins_test"] = public_key(ISSUER_PRIVATE_KEY)
    yield
    keys.caches.clear()


def is_accepted(**token: Any) -> bool:
    try:
        verify_session_token(session_token("user_ploy", **token), now=timezone.now())
    except TokenInvalid:
        return False
    return True


def test_one_fetch_serves_all_tokens(clerk: ClerkServer) -> None:
    assert all(is_accepted() for _ in range(5))
    assert len(clerk.requests) == 1


def test_the_address_follows_from_the_issuer(settings: Any, clerk: ClerkServer) -> None:
    settings.CLERK_JWKS_URL, settings.CLERK_ISSUER = "", clerk.url

    assert is_accepted(iss=clerk.url)


def test_unknown_keys_and_bad_signatures_cause_one_fetch_per_interval(
    clerk: ClerkServer, clock: Clock
) -> None:
    assert is_accepted()
    clock.now += keys.FETCH_INTERVAL

    for number in range(20):
        assert not is_accepted(headers={"kid": f"made-up-{number}"}, key=FORGED_KEY)
        assert not is_accepted(key=FORGED_KEY)

    assert len(clerk.requests) == 2


def test_a_bad_signature_never_evicts_a_good_key(clerk: ClerkServer, clock: Clock) -> None:
    assert is_accepted()

    for trouble in (500, b"[]", b"not json", b'{"keys": []}', b'{"keys": [{"kid": "x"}, 7]}'):
        clock.now += keys.FETCH_INTERVAL
        clerk.troubles = [trouble]
        assert not is_accepted(key=FORGED_KEY)
        assert clerk.troubles == []
        assert is_accepted()


def test_a_new_key_is_found(clerk: ClerkServer, clock: Clock) -> None:
    assert is_accepted()
    clerk.keys["ins_new"] = public_key(NEW_KEY)
    clock.now += keys.FETCH_INTERVAL

    assert is_accepted(key=NEW_KEY, headers={"kid": "ins_new"})
    assert is_accepted()


def test_a_key_replaced_under_its_own_id_is_found(clerk: ClerkServer, clock: Clock) -> None:
    assert is_accepted()
    clerk.keys["ins_test"] = public_key(NEW_KEY)
    clock.now += keys.FETCH_INTERVAL

    assert is_accepted(key=NEW_KEY)
    assert not is_accepted()


def test_a_withdrawn_key_is_dropped_within_the_hour(clerk: ClerkServer, clock: Clock) -> None:
    assert is_accepted()
    clerk.keys = {"ins_new": public_key(NEW_KEY)}

    clock.now += keys.LIFETIME + 1

    assert not is_accepted()


def test_a_token_without_key_id_is_judged_by_the_only_key() -> None:
    claims = jwt.decode(session_token("user_ploy"), options={"verify_signature": False})
    token = jwt.encode(claims, ISSUER_PRIVATE_KEY, algorithm="RS256")

    assert verify_session_token(token, now=timezone.now()).clerk_id == "user_ploy"


@pytest.mark.parametrize("trouble", [500, "silence", b"garbage"])
def test_without_any_key_nobody_is_judged(
    trouble: Any, clerk: ClerkServer, monkeypatch: Any, clock: Clock
) -> None:
    monkeypatch.setattr(keys, "FETCH_TIMEOUT", 0.2)
    clerk.troubles = [trouble]

    with pytest.raises(KeysUnavailable):
        is_accepted()
    with pytest.raises(KeysUnavailable):
        is_accepted()
    assert len(clerk.requests) == 1
    clock.now += keys.FIRST_FETCH_INTERVAL
    assert is_accepted()


def test_nobody_being_judged_is_no_fault_of_the_caller(
    accounts_alone: None, clerk: ClerkServer
) -> None:
    clerk.troubles = [500]

    response = call("public", token=session_token("user_ploy"))

    assert_problem(response, 503, "keys_unavailable")
    assert response.headers["Retry-After"] == "5"


def test_parallel_first_requests_share_one_fetch(clerk: ClerkServer) -> None:
    clerk.pause = 0.1
    accepted: list[bool] = []
    threads = [threading.Thread(target=lambda: accepted.append(is_accepted())) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert accepted == [True] * 8
    assert len(clerk.requests) == 1
