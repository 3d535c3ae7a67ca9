"""API keys: made once, stored hashed, limited to their scopes, revocable."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import (
    ScopeUnknown,
    authenticate_api_key,
    create_api_key,
    revoke_api_key,
)
from tests.accounts.requests import assert_problem, call
from tests.people import Person
from tests.statements import statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_alone")]


def make(*scopes: str) -> tuple[ApiKey, str]:
    return create_api_key(name="readings", scopes=scopes or ("events",), now=timezone.now())


def test_a_service_calls_by_its_key() -> None:
    row, key = make()

    assert call("service", key=key, method="POST").json() == {"caller": f"key:{row.pk}"}


def test_the_key_is_stored_hashed_alone() -> None:
    row, key = make("events", "rewards:spend", "events")

    assert row.key_hash == hashlib.sha256(key.encode()).hexdigest()
    assert key.startswith(row.prefix)
    assert len(key) - len(row.prefix) > 30
    assert row.scopes == ["events", "rewards:spend"]


def test_a_key_costs_one_query_and_its_use_is_noted_once_an_hour() -> None:
    row, key = make()
    call("service", key=key, method="POST")

    with statements() as sent:
        call("service", key=key, method="POST")

    assert len(sent) == 1
    row.refresh_from_db()
    assert row.last_used_at is not None
    later = row.last_used_at + timedelta(hours=1)
    authenticate_api_key(key=key, now=later)
    row.refresh_from_db()
    assert row.last_used_at == later


@pytest.mark.parametrize("key", ["", "mimi_unknown", "x" * 5000, "é", "a b c", "\x00"])
@pytest.mark.parametrize(
    ("path", "method"), [("service", "POST"), ("public", "GET"), ("person", "GET")]
)
def test_an_unknown_key_is_refused_everywhere(path: str, method: str, key: str) -> None:
    response = call(path, key=key, method=method)

    assert_problem(response, 401, "api_key_invalid")
    assert response.headers["WWW-Authenticate"] == "Api-Key"


def test_a_revoked_key_is_refused() -> None:
    row, key = make()
    assert revoke_api_key(api_key=row, now=timezone.now())
    assert not revoke_api_key(api_key=row, now=timezone.now())

    assert_problem(call("service", key=key, method="POST"), 401, "api_key_invalid")


def test_a_call_for_services_asks_for_a_key(ploy: Person) -> None:
    for response in (
        call("service", method="POST"),
        call("service", method="POST", token=ploy.token()),
    ):
        assert_problem(response, 401, "api_key_missing")
        assert response.headers["WWW-Authenticate"] == "Api-Key"


def test_a_key_does_not_stand_in_for_a_person() -> None:
    _, key = make()

    assert_problem(call("person", key=key), 401, "token_missing")


def test_legacy_23_a_key_without_the_scope_is_refused_with_403_not_500() -> None:
    _, key = make("rewards:spend")

    response = call("service", key=key, method="POST")

    assert_problem(response, 403, "scope_missing")
    assert "events" in response.json()["detail"]


@pytest.mark.parametrize("scopes", [[], ["everything"], ["events", "everything"]])
def test_unknown_scopes_are_refused_by_the_service_and_by_the_database(scopes: list[str]) -> None:
    with pytest.raises(ScopeUnknown):
        create_api_key(name="x", scopes=scopes, now=timezone.now())
    with pytest.raises(IntegrityError, match="api_key_has_known_scopes"), transaction.atomic():
        ApiKey.objects.create(name="x", key_hash="x", scopes=scopes, created_at=timezone.now())
