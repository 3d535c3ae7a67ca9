"""Fixtures for every test; the cast and their browsers are in `tests/people.py`."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import timezone, translation

from accounts.models import User
from accounts.services import create_api_key, forget_salts
from tests.database import remember_seeds, restore_seeds
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.server import PRISTINE, copied_database
from tests.staff import signed_in


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest
) -> None:
    """Let tests that commit (`transaction=True`) leave the database as the migrations made it.

    Servers for browsers get copies of it as it is now, which no migration need be made for.
    """
    name = str(connection.settings_dict["NAME"])
    if not name.startswith("test_"):  # none is made if no test asks for one
        return
    with django_db_blocker.unblock():
        if any(item.get_closest_marker("browser") for item in request.session.items):
            connection.close()
            copied_database(f"{name}_pristine", of=name)
            request.config.stash[PRISTINE] = f"{name}_pristine"
        remember_seeds()
    TransactionTestCase._fixture_teardown = restore_seeds  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_salts() -> None:
    forget_salts()


@pytest.fixture(autouse=True)
def _language_of_the_settings() -> None:
    translation.deactivate()  # a request leaves its own behind


@pytest.fixture
def nok() -> Person:
    return newcomer("Nok", age_seconds=3600)


@pytest.fixture
def ploy() -> Person:
    return newcomer("Ploy")


@pytest.fixture
def mali() -> Person:
    return newcomer("Mali")


@pytest.fixture
def somchai() -> Person:
    return newcomer("Somchai", age_seconds=3600)


@pytest.fixture
def aree(db: Any) -> Client:
    """A superuser's browser, signed in to the admin."""
    return signed_in(User.objects.create_superuser("aree", "secret"))


@pytest.fixture
def back_end(db: Any) -> BackEnd:
    """The web app's own back end, which reports what people do."""
    _, key = create_api_key(name="web app", scopes=["events"], now=timezone.now())
    return BackEnd(key)


@pytest.fixture
def browser() -> Browser:
    """The browser that several people share."""
    return Browser()


@pytest.fixture
def noks_code(db: Any, nok: Person) -> str:
    """Nok's referral code; she was here before everybody else, on her own phone."""
    code = Browser(address="198.51.100.7").sign_in(nok).me()["referral_code"]
    return str(code)
