"""What the stories of this app need besides the cast."""

from collections.abc import Iterator

import pytest

from referrals.models import Attribution
from referrals.services.proof import verify_attributions
from rewards.services import verify_ledger
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited


@pytest.fixture
def attribution(noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
    """Ploy by Nok, opened in a browser, claimed, and rewarded."""
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    back_end.report(ploy)
    return attribution_of(ploy)


@pytest.fixture
def rewarded(noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
    """Nok invited Ploy, who has read once: Ploy has a star for it, Nok 50 coins."""
    invited(ploy, noks_code)
    back_end.report(ploy)
    return attribution_of(ploy)


@pytest.fixture(autouse=True)
def _sound_ledger(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prove the ledger, and what it says of attributions, after every test that has a database."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
    yield
    if request.node.get_closest_marker("django_db"):
        assert [*verify_ledger(), *verify_attributions()] == []
