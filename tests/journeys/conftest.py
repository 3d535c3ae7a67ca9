"""One server for all journeys, on the test database, which is emptied between them."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.journeys.over_http import Service, Site
from tests.people import Person, newcomer
from tests.server import database_url, running_server


@pytest.fixture(scope="session")
def _running_site(django_db_setup: None) -> Iterator[Site]:
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.journeys.settings",
        "DATABASE_URL": database_url(settings.DATABASES["default"]["NAME"]),
    }
    with running_server(env, workers=2) as base_url:
        yield Site(base_url)


@pytest.fixture
def site(transactional_db: None, _running_site: Site) -> Site:
    return _running_site


@pytest.fixture
def service(site: Site) -> Service:
    return site.service()


@pytest.fixture
def fah() -> Person:
    """A third one at the shared browser."""
    return newcomer("Fah")


@pytest.fixture
def noks_link(site: Site, nok: Person) -> str:
    """Nok's referral code; she was here before everybody else, on her own phone."""
    return str(site.browser().sign_in(nok).me()["referral_code"])


@pytest.fixture
def somchais_link(site: Site, somchai: Person) -> str:
    return str(site.browser().sign_in(somchai).me()["referral_code"])
