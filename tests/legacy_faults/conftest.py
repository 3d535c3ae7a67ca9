"""What the stories of the faults need besides the cast."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import create_api_key
from referrals.services.proof import verify_attributions
from rewards.services import verify_ledger
from tests.referrals.back_end import BackEnd


@pytest.fixture
def back_end(db: Any) -> BackEnd:
    scopes = ["events", "rewards:spend", "rewards:grant"]
    return BackEnd(create_api_key(name="web app", scopes=scopes, now=timezone.now())[1])


@pytest.fixture(autouse=True)
def _sound_ledger(request: pytest.FixtureRequest) -> Iterator[None]:
    request.getfixturevalue("_django_db_helper")
    yield
    assert [*verify_ledger(), *verify_attributions()] == []
