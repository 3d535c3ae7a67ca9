"""Log lines tell what went wrong, not whose data it was."""

import logging

import pytest
from django.conf import settings
from django.db import IntegrityError, connection

from mimivibes.logs import DiscreetFormatter

pytestmark = pytest.mark.django_db


def test_a_traceback_quotes_no_row(caplog: pytest.LogCaptureFixture) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO accounts_user (email) VALUES ('ploy@example.com')")
    except IntegrityError:
        logging.getLogger("mimivibes").exception("It failed")

    record = caplog.records[-1]
    record.exc_text = None  # where logging keeps what the test's own handler made of it
    raw = logging.Formatter().formatException(record.exc_info)
    line = DiscreetFormatter("{message}", style="{").format(record)

    assert "Failing row contains" in raw
    assert "not-null constraint" in line
    assert "Failing row contains" not in line


def test_every_log_line_goes_through_it() -> None:
    formatter = settings.LOGGING["formatters"]["line"]
    assert formatter["()"] == "mimivibes.logs.DiscreetFormatter"
