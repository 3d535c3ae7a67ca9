"""Fixtures for every test; the cast and their browsers are in `tests/people.py`."""

from typing import Any

import pytest
from django.core.cache import cache

from tests.people import Browser, Person, newcomer


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    cache.clear()


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
def browser() -> Browser:
    """The browser that several people share."""
    return Browser()


@pytest.fixture
def noks_code(db: Any, nok: Person) -> str:
    """Nok's referral code; she was here before everybody else, on her own phone."""
    code = Browser(address="198.51.100.7").sign_in(nok).me()["referral_code"]
    return str(code)
