"""What the stories of this app need besides the cast."""

from collections.abc import Iterator

import pytest

from referrals.services.proof import verify_attributions
from rewards.services import verify_ledger


@pytest.fixture(autouse=True)
def _sound_ledger(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prove the ledger, and what it says of attributions, after every test that has a database."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
    yield
    if request.node.get_closest_marker("django_db"):
        assert [*verify_ledger(), *verify_attributions()] == []
