"""While the database is gone, or is no primary, callers are told to come back: 503, not 500."""

from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from django.test import Client

from accounts.models import User
from tests.people import Browser, Person
from tests.problems import refused
from tests.staff import signed_in

GONE = OperationalError("server closed the connection: host=db.internal password=secret")


def told_to_come_back(response: Any) -> None:
    refused(response, 503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    assert b"secret" not in response.content
    assert b"db.internal" not in response.content


@pytest.mark.django_db
def test_a_view_that_loses_the_database(ploy: Person) -> None:
    with patch("mimivibes.me.balances_of", side_effect=GONE):
        response = Browser().sign_in(ploy).get("me")

    told_to_come_back(response)


@pytest.mark.django_db
def test_a_database_that_is_lost_before_the_view(ploy: Person) -> None:
    with patch("accounts.middleware.identify", side_effect=GONE):
        response = Browser().sign_in(ploy).get("me")

    told_to_come_back(response)


@pytest.mark.django_db
def test_a_page_of_the_admin_says_so_in_words(db: None) -> None:
    aree = signed_in(User.objects.create_superuser("aree", "secret"))
    aree.raise_request_exception = False

    with patch("django.contrib.admin.options.ModelAdmin.get_queryset", side_effect=GONE):
        response = aree.get("/admin/accounts/user/")

    assert (response.status_code, response["Content-Type"]) == (503, "text/plain")
    assert b"try the same again" in response.content


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_replaced_in_the_next_request(ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    browser.me()
    with psycopg.connect(**_address()) as another:
        another.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    close_old_connections()  # as Django does before each request; its test client leaves it out
    assert browser.get("me").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_server_that_has_become_a_replica_is_left(ploy: Person, noks_code: str) -> None:
    """Its connections are sound, so that nothing else would ever end them."""
    browser = Browser().sign_in(ploy)
    browser.me()
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION default_transaction_read_only = on")

    told_to_come_back(browser.claim(noks_code))

    close_old_connections()
    assert browser.claim(noks_code).status_code == 201


def test_a_server_that_nobody_reaches(
    ploy: Person, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection can be made at all: every signed-in request needs one."""
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
        try:
            told_to_come_back(Browser().sign_in(ploy).get("me"))
            assert Client().get("/readyz").status_code == 503
            assert Client().get("/livez").status_code == 200
        finally:
            connection.close()


def _address() -> dict[str, Any]:
    info = connection.connection.info
    return {"host": info.host, "port": info.port, "user": info.user, "dbname": info.dbname}
