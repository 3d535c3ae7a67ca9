"""People of the ledger, and a proof after every test that what it did is sound."""

from typing import Any

import pytest

from accounts.models import User


@pytest.fixture
def ploys_id(db: Any) -> int:
    return User.objects.create(clerk_id="user_ploy", first_name="Ploy").pk
