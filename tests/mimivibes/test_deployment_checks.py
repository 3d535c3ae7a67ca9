"""`check --deploy`: settings that work, and of which an operator should know."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection


def told(**options: Any) -> dict[str, CheckMessage]:
    """Return what our own checks say, by id."""
    messages = run_checks(include_deployment_checks=True, **options)
    return {str(each.id): each for each in messages if str(each.id).startswith("mimivibes.")}


@pytest.fixture(autouse=True)
def _nothing_to_tell(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.10"]
    settings.REDIS_URL = "redis://10.0.0.20:6379/0"
    settings.ADMIN_SECOND_FACTOR_REQUIRED = True


def test_a_sound_deployment_hears_nothing() -> None:
    assert told() == {}


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("SECRET_KEY", "short", "E002"),
        ("SECRET_KEY", "django-insecure-" + "abcdefghij" * 5, "E002"),
        ("SECRET_KEY_FALLBACKS", ["short"], "E016"),
        ("TRUSTED_PROXIES", ["10.0.0.10", "0.0.0.0/0"], "E017"),
        ("TRUSTED_PROXIES", ["::/0"], "E017"),
        ("CLERK_JWKS_URL", "http://clerk.example.com/.well-known/jwks.json", "E018"),
        ("CLERK_API_URL", "http://api.clerk.com/v1", "E018"),
        ("CLERK_ISSUER", "http://clerk.example.com", "E018"),
        ("REDIS_URL", "10.0.0.20:6379", "E019"),
        ("REDIS_URL", "http://10.0.0.20:6379", "E019"),
        ("METRICS_ALLOWED_IPS", ["0.0.0.0/0"], "W003"),
        ("METRICS_ALLOWED_IPS", ["prometheus"], "E012"),
        ("METRICS_TOKEN", "short", "W004"),
        ("TRUSTED_PROXIES", [], "I001"),
        ("REDIS_URL", "", "I002"),
        ("ADMIN_SECOND_FACTOR_REQUIRED", False, "I003"),
    ],
)
def test_each_is_named(settings: Any, name: str, value: Any, number: str) -> None:
    setattr(settings, name, value)

    (message,) = told().values()

    assert message.id == f"mimivibes.{number}"
    assert name in message.msg


def test_one_process_needs_no_redis(settings: Any) -> None:
    settings.REDIS_URL = ""
    settings.WEB_WORKERS = 1

    assert told() == {}


def test_a_clerk_on_this_machine_may_do_without_tls(settings: Any) -> None:
    settings.CLERK_API_URL = "http://127.0.0.1:9000/v1"

    assert told() == {}


@pytest.mark.parametrize("key", ["CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY"])
def test_keys_of_a_development_instance_are_told(settings: Any, key: str) -> None:
    setattr(
        settings,
        key,
        {"CLERK_PUBLISHABLE_KEY": "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k"}.get(key, "sk_test_x"),
    )

    assert list(told()) == ["mimivibes.I004"]


@pytest.mark.parametrize("key", ["CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY"])
def test_debug_is_not_for_the_keys_of_a_production_instance(settings: Any, key: str) -> None:
    settings.DEBUG = True
    setattr(
        settings,
        key,
        {"CLERK_PUBLISHABLE_KEY": "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"}.get(key, "sk_live_x"),
    )

    assert "mimivibes.W001" in told()


@pytest.mark.parametrize(
    ("host", "options", "warned"),
    [
        ("db.example.com", {}, True),
        ("db.example.com", {"sslmode": "prefer"}, True),
        ("10.0.0.5", {}, True),
        ("db.example.com", {"sslmode": "verify-full"}, False),
        ("db.example.com", {"sslmode": "require"}, False),
        ("pgbouncer", {"sslmode": "disable"}, False),
        ("localhost", {}, False),
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
        ("/run/postgresql", {}, False),
        ("", {}, False),
    ],
)
@pytest.mark.parametrize(
    ("alias", "variable"), [("default", "DATABASE_URL"), ("replica", "DATABASE_REPLICA_URL")]
)
def test_a_database_far_away_is_spoken_to_by_tls(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    options: dict[str, str],
    warned: bool,
    alias: str,
    variable: str,
) -> None:
    database = {**settings.DATABASES["default"], "HOST": host, "OPTIONS": options}
    monkeypatch.setitem(settings.DATABASES, alias, database)

    messages = told()

    assert list(messages) == (["mimivibes.W002"] if warned else [])
    assert all(variable in message.msg for message in messages.values())


def test_a_superuser_is_warned_of_and_a_role_of_its_own_is_not(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE referrals_app; CREATE ROLE referrals_boss SUPERUSER")
        cursor.execute("SET LOCAL ROLE referrals_boss")
        assert list(told(databases=["default"])) == ["mimivibes.W005"]
        cursor.execute("SET LOCAL ROLE referrals_app")
        assert told(databases=["default"]) == {}
        cursor.execute("RESET ROLE")
