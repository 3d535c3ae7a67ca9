"""An export from the real app server: sent while it is made, ended when nobody reads on."""

from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.server import PRODUCTION, database_url, running_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 40_000
WIDE = "x" * 250
TOKEN = "t" * 32


@pytest.fixture
def aree() -> Iterator[httpx.Client]:
    """A superuser's HTTP client, signed in on a server with more rows than a socket holds."""
    User.objects.bulk_create(
        User(clerk_id=f"user_{n}", first_name=WIDE, last_name=WIDE) for n in range(ROWS)
    )
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("aree", "secret"))
    session = settings.SESSION_COOKIE_NAME
    cookies = {settings.CSRF_COOKIE_NAME: TOKEN, session: signed_in.cookies[session].value}
    env = {**PRODUCTION, "DATABASE_URL": database_url(str(connection.settings_dict["NAME"]))}
    with (
        running_server(env) as base_url,
        httpx.Client(base_url=base_url, cookies=cookies) as client,
    ):
        yield client


def told() -> str:
    return LogEntry.objects.latest("id").change_message


def test_an_export_is_sent_while_it_is_made_and_stops_when_nobody_reads(
    aree: httpx.Client,
) -> None:
    address, form = "/admin/accounts/user/export/", {"csrfmiddlewaretoken": TOKEN}
    with aree.stream("POST", address, data=form) as response:
        assert response.status_code == 200
        assert "content-length" not in response.headers
        sent = response.iter_bytes()  # which closes the connection when it is dropped
        assert next(sent).startswith("\ufeff".encode())
        assert told().startswith("Export as CSV begun"), "It was made before it was sent."
    until(lambda: told().startswith("Export stopped after"))

    whole = aree.post(address, data=form, timeout=60)

    assert whole.text.count("\n") == ROWS + 2  # the headings, and Aree
    until(lambda: told().startswith(f"Exported as CSV: {ROWS + 1} rows"))
