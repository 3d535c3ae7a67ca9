"""Fixtures for every test; the cast and their browsers are in `tests/people.py`."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, TransactionTestCase
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key, forget_salts
from tests.database import remember_seeds, restore_seeds
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.staff import signed_in


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let tests that commit (`transaction=True`) leave the database as the migrations made it."""
    with django_db_blocker.unblock():
        remember_seeds()
    TransactionTestCase._fixture_teardown = restore_seeds  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_salts() -> None:
    forget_salts()


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
