"""Who decides, and who waits to be decided on."""

from typing import Any

import pytest
from django.test import Client

from tests.people import Person, newcomer
from tests.referrals.story import invited
from tests.staff import staff


@pytest.fixture
def reviewer(db: Any) -> Client:
    return staff("view_attribution", "decide_attribution")


@pytest.fixture
def mali(noks_code: str) -> Person:
    """Invited by Nok, and held for a mailbox that she will throw away."""
    mali = newcomer("Mali", email="mali.smith@mailinator.com")
    invited(mali, noks_code)
    return mali
