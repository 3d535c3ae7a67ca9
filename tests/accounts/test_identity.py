"""Who a signed-in request is, at first sight and later."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.signals import user_provisioned
from tests.accounts.heard import heard
from tests.people import Person
from tests.statements import statements

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


def get(path: str, token: str | None = None, **headers: str) -> Any:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return Client(raise_request_exception=False).get(f"/api/v1/{path}", headers=headers)


def test_a_first_request_makes_the_person(ploy: Person) -> None:
    with heard(user_provisioned) as announced:
        response = get("person", ploy.token())

    assert response.json()["clerk_id"] == "user_ploy"
    user = User.objects.get(clerk_id="user_ploy")
    assert user.first_name == "Ploy"
    assert [fact["user"] for fact in announced] == [user]
    assert not user.has_usable_password()


def test_a_known_person_costs_one_query(ploy: Person) -> None:
    get("person", ploy.token())

    with statements() as sent:
        get("person", ploy.token())

    assert len(sent) == 1


def test_a_visitor_costs_no_query() -> None:
    with statements() as sent:
        assert get("public").json() == {"caller": None}

    assert sent == []
