"""`/livez` and `/readyz`: what a load balancer asks."""

from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings

from tests.statements import statements


def test_livez_needs_no_database() -> None:
    response = Client().get("/livez")  # the test has no database: a query would be an error

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_readyz_says_ready() -> None:
    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"status": "ready", "failures": []}


@pytest.mark.django_db
def test_readyz_counts_migrations_that_are_not_applied() -> None:
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="referrals").delete()

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert "migrations" in response.json()["failures"][0]


@pytest.mark.django_db
def test_readyz_counts_all_of_them_in_a_database_where_nothing_was_migrated() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA bare; SET LOCAL search_path = bare")

    failures = Client().get("/readyz").json()["failures"]

    assert failures == [f"migrations: {len(MigrationLoader(None).graph.nodes)} not applied"]


@pytest.mark.django_db
def test_readyz_asks_two_statements_and_sees_a_database_that_goes_back() -> None:
    Client().get("/readyz")

    with statements() as sent, patch.object(MigrationLoader, "build_graph") as planned:
        assert Client().get("/readyz").status_code == 200
        MigrationRecorder(connection).migration_qs.filter(app="rewards").delete()
        assert Client().get("/readyz").status_code == 503

    asked = [statement for statement in sent if not statement.startswith("DELETE")]
    assert len(asked) == 2 * 2
    planned.assert_not_called()


@pytest.mark.django_db
def test_readyz_says_that_the_database_is_not_reachable() -> None:
    unreachable = OperationalError("password=secret")
    with patch("django.db.backends.base.base.BaseDatabaseWrapper.cursor", side_effect=unreachable):
        response = Client().get("/readyz")

    assert response.status_code == 503
    assert "database" in response.json()["failures"][0]
    assert b"secret" not in response.content


@pytest.mark.django_db
def test_readyz_says_that_the_database_takes_no_writes() -> None:
    """As one that was the primary until a moment ago."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["failures"] == ["database: read-only"]


@override_settings(SECURE_SSL_REDIRECT=True)
def test_health_is_asked_by_address_and_over_plain_http() -> None:
    assert Client().get("/livez", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@override_settings(SECURE_SSL_REDIRECT=True)
def test_everything_else_is_sent_to_tls() -> None:
    response = Client().get("/api/v1/me")

    assert response.status_code == 301
    assert response["Location"].startswith("https://")


@override_settings(SECURE_SSL_REDIRECT=True)
def test_prometheus_asks_a_replica_behind_the_proxy_by_plain_http() -> None:
    assert Client().get("/metrics").status_code == 403  # refused without a token, not redirected
