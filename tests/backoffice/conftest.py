"""Aree, who is staff, and how she comes in."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.backoffice.door import PASSWORD


@pytest.fixture
def aree(db: Any) -> User:
    return User.objects.create_user("aree", PASSWORD)


@pytest.fixture
def signed_in(aree: User) -> Client:
    """Aree's browser, in which she has signed in."""
    client = Client()
    client.force_login(aree)
    return client
