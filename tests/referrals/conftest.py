"""What the stories of this app need besides the cast."""

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
    """The web app's own back end, which reports what people do."""
    _, key = create_api_key(name="web app", scopes=["events"], now=timezone.now())
    return BackEnd(key)


@pytest.fixture(autouse=True)
def _sound_ledger(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prove the ledger, and what it says of attributions, after every test that has a database."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
    yield
    if request.node.get_closest_marker("django_db"):
        assert [*verify_ledger(), *verify_attributions()] == []
