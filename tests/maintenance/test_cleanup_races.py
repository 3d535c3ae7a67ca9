"""Clean-up while people open, adopt and claim: on connections of their own, as everybody is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from referrals.models import BrowserSession, Capture
from referrals.services import cleanup
from tests.commands import run
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    ReferralCodeFactory,
)
from tests.server import database_url

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = "cleanup_captures"
ATTRIBUTED = "(SELECT 1 FROM referrals_attribution a WHERE a.capture_id = next.id LIMIT 1) IS NULL"
HELD = """(SELECT 1 FROM referrals_capture c WHERE c.browser_session_id = next.id LIMIT 1)
            IS NULL"""


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def elsewhere(settings: Any) -> Iterator["psycopg.Connection[Any]"]:
    """Another connection, in a transaction that has not ended."""
    with psycopg.connect(database_url(settings.DATABASES["default"]["NAME"])) as connection:
        yield connection


@pytest.fixture
def ploys(now: datetime) -> Capture:
    """What Ploy opened, signed in, long ago."""
    return CaptureFactory(first_opened_at=now - timedelta(days=40))  # type: ignore[no-any-return]


@pytest.fixture
def visitors(now: datetime) -> Capture:
    """What a visitor opened long ago."""
    long_ago = now - timedelta(days=40)
    return CaptureFactory(  # type: ignore[no-any-return]
        user=None,
        browser_session=BrowserSessionFactory(created_at=long_ago),
        first_opened_at=long_ago,
    )


def _cleaned() -> tuple[int, int]:
    rows = run(COMMAND, "--apply")["rows"]
    return rows["expired_captures"], rows["empty_browser_sessions"]


def test_a_claim_that_commits_while_a_batch_begins_keeps_its_capture(
    ploys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first statement began before that commit, so it sees no attribution; the second does."""
    AttributionFactory(capture=ploys, referee=ploys.user)
    stale = cleanup._CAPTURES.lock.replace(ATTRIBUTED, "true")
    assert stale != cleanup._CAPTURES.lock
    monkeypatch.setattr(cleanup, "_CAPTURES", replace(cleanup._CAPTURES, lock=stale))

    assert _cleaned() == (0, 0)
    assert Capture.objects.get() == ploys


def test_a_code_stored_while_a_batch_begins_keeps_its_browser_session(
    visitors: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Capture.objects.update(expires_at=timezone.now() + timedelta(days=1))
    stale = cleanup._SESSIONS.lock.replace(HELD, "true")
    assert stale != cleanup._SESSIONS.lock
    monkeypatch.setattr(cleanup, "_SESSIONS", replace(cleanup._SESSIONS, lock=stale))

    assert _cleaned() == (0, 0)
    assert Capture.objects.get().browser_session == visitors.browser_session


def test_a_claim_under_way_is_not_waited_for(
    ploys: Capture, elsewhere: "psycopg.Connection[Any]"
) -> None:
    elsewhere.execute("UPDATE referrals_capture SET closed_at = now(), closed_reason = 'claimed'")

    assert _cleaned() == (0, 0)
    elsewhere.commit()
    assert Capture.objects.get() == ploys


def test_a_code_that_is_opened_again_meanwhile_stays(
    visitors: Capture, elsewhere: "psycopg.Connection[Any]"
) -> None:
    elsewhere.execute("UPDATE referrals_capture SET expires_at = now() + interval '30 days'")

    assert _cleaned() == (0, 0)
    elsewhere.commit()
    assert _cleaned() == (0, 0)
    assert Capture.objects.get() == visitors


def test_a_browser_session_that_is_about_to_store_a_code_stays(
    now: datetime, elsewhere: "psycopg.Connection[Any]"
) -> None:
    session, code = (
        BrowserSessionFactory(created_at=now - timedelta(days=2)),
        ReferralCodeFactory(),
    )
    lock = "SELECT FROM referrals_browsersession WHERE id = %s FOR NO KEY UPDATE"
    elsewhere.execute(lock, [session.pk])

    assert _cleaned() == (0, 0)
    elsewhere.execute(
        "INSERT INTO referrals_capture (code_id, browser_session_id, first_opened_at, opened_at,"
        " expires_at, landing_url, utm, closed_reason)"
        " VALUES (%s, %s, now(), now(), now() + interval '1 day', '', '{}', '')",
        [code.pk, session.pk],
    )
    elsewhere.commit()
    assert _cleaned() == (0, 0)
    assert BrowserSession.objects.get() == session
