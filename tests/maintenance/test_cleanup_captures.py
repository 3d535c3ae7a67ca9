"""cleanup_captures: what was opened and led nowhere goes; what an attribution stands on stays."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mimivibes.models import CommandRun
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    Outcome,
    TimelineEntry,
)
from referrals.services.cleanup import ADDRESS_AGE, REFUSAL_AGE
from tests.commands import run
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
COMMAND = "cleanup_captures"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def expired(now: datetime) -> Capture:
    """A visitor's capture, in a browser session of its own, that has just expired."""
    long_ago = now - timedelta(days=30)
    session = BrowserSessionFactory(created_at=long_ago)
    return CaptureFactory(
        user=None, browser_session=session, first_opened_at=long_ago, expires_at=now
    )


def test_by_default_it_tells_and_changes_nothing(expired: Capture) -> None:
    out = StringIO()
    call_command(COMMAND, stdout=out)

    told = "expired captures: 1 would be cleaned (captures that expired by now and led to no"
    assert told in out.getvalue()
    assert "Nothing was changed. Add --apply to do it." in out.getvalue()
    assert Capture.objects.filter(pk=expired.pk).exists()
    assert CommandRun.objects.get().is_dry


@pytest.mark.django_db
def test_where_there_is_nothing_to_do_nobody_is_told_to_do_it() -> None:
    out = StringIO()

    call_command(COMMAND, stdout=out)

    assert out.getvalue().endswith("Nothing was changed.\n")


def test_what_is_told_is_what_is_done(expired: Capture, now: datetime) -> None:
    CaptureFactory(first_opened_at=now - timedelta(days=31))
    alive = CaptureFactory(first_opened_at=now)

    BrowserSessionFactory(created_at=now - timedelta(days=2))
    used = _used_capture(now - timedelta(days=31))
    Decision.objects.create(
        referee=UserFactory(),
        code="NOK",
        at=now - REFUSAL_AGE,
        outcome=Outcome.REFUSED,
        address_hash="a" * 64,
    )

    told = run(COMMAND)["rows"]
    done = run(COMMAND, "--apply")["rows"]

    assert done == told
    # One of the sessions is empty only once its capture is gone, in the same run.
    assert list(done.values()) == [1, 1, 2, 2]
    assert set(Capture.objects.all()) == {alive, used}
    assert run(COMMAND, "--apply")["rows"]["expired_captures"] == 0


def _used_capture(opened_at: datetime) -> Capture:
    """What somebody opened in a browser session, and was attributed by."""
    session = BrowserSessionFactory(created_at=opened_at)
    capture = CaptureFactory(first_opened_at=opened_at, browser_session=session)
    AttributionFactory(capture=capture, referee=capture.user)
    return capture  # type: ignore[no-any-return]  # factories are untyped


def test_the_ages_are_told(now: datetime) -> None:
    rules = run(COMMAND, "--days", "90")["rules"]

    assert "expired 90 days ago or earlier" in rules["expired_captures"]
    assert "365 days ago or earlier" in rules["old_refusals"]


def test_what_somebody_signed_in_holds_is_left_while_a_claim_may_use_it(now: datetime) -> None:
    """A claim that began a moment before the expiry is not to lose its capture."""
    times = [now - timedelta(minutes=minutes) for minutes in (11, 9)]
    _, young = (CaptureFactory(expires_at=at, first_opened_at=at) for at in times)

    assert run(COMMAND)["rows"]["expired_captures"] == 1
    assert run(COMMAND, "--apply")["rows"]["expired_captures"] == 1
    assert list(Capture.objects.all()) == [young]


def test_expired_captures_can_be_kept_for_staff_to_read(expired: Capture, now: datetime) -> None:
    CaptureFactory(first_opened_at=now - timedelta(days=60), expires_at=now - timedelta(days=30))

    rows = run(COMMAND, "--days", "29", "--apply")["rows"]

    assert rows["expired_captures"] == 1
    assert list(Capture.objects.all()) == [expired]


def test_what_led_to_an_attribution_stays_with_its_browser_session(now: datetime) -> None:
    used = _used_capture(now - timedelta(days=40))

    run(COMMAND, "--apply")

    assert Capture.objects.get().browser_session == used.browser_session
    assert (Attribution.objects.count(), TimelineEntry.objects.count()) == (1, 1)


def test_a_decision_outlives_the_capture_that_it_was_about(now: datetime) -> None:
    capture = CaptureFactory(first_opened_at=now - timedelta(days=40))
    decision = Decision.objects.create(
        referee=capture.user, capture=capture, code="NOK", at=now, outcome=Outcome.REFUSED
    )

    run(COMMAND, "--apply")

    decision.refresh_from_db()
    assert decision.capture_id is None


def test_a_young_browser_session_is_left_for_its_first_code(now: datetime) -> None:
    young = BrowserSessionFactory(created_at=now - timedelta(hours=23))
    BrowserSessionFactory(created_at=now - timedelta(hours=25))

    assert run(COMMAND, "--apply")["rows"]["empty_browser_sessions"] == 1
    assert list(BrowserSession.objects.all()) == [young]


def test_addresses_expire_before_the_decisions_that_bear_them(now: datetime) -> None:
    attribution = AttributionFactory()
    kept = {"referee": attribution.referee, "code": "NOK", "address_hash": "a" * 64}
    Decision.objects.create(**kept, at=now, outcome=Outcome.REFUSED)
    Decision.objects.create(**kept, at=now - ADDRESS_AGE, outcome=Outcome.REFUSED)
    long_ago = now - REFUSAL_AGE
    Decision.objects.create(**kept, at=long_ago, outcome=Outcome.ACCEPTED, attribution=attribution)
    Decision.objects.create(**kept, at=long_ago, outcome=Outcome.REFUSED)

    rows = run(COMMAND, "--apply")["rows"]

    assert (rows["old_network_addresses"], rows["old_refusals"]) == (3, 1)
    left = Decision.objects.order_by("-at").values_list("outcome", "address_hash")
    assert list(left) == [("refused", "a" * 64), ("refused", ""), ("accepted", "")]


@pytest.mark.parametrize("batch_size", ["1", "2", "1000"])
def test_small_batches_reach_everything(now: datetime, batch_size: str) -> None:
    """Rows that stay, and rows with equal times, do not stop or skip any."""
    long_ago = now - timedelta(days=40)
    captures = CaptureFactory.create_batch(5, first_opened_at=long_ago)
    AttributionFactory(capture=captures[2], referee=captures[2].user)
    BrowserSessionFactory.create_batch(3, created_at=long_ago)

    rows = run(COMMAND, "--apply", "--batch-size", batch_size)["rows"]

    assert (rows["expired_captures"], rows["empty_browser_sessions"]) == (4, 3)
    assert list(Capture.objects.all()) == [captures[2]]


@pytest.mark.parametrize("wrong", [["--batch-size", "0"], ["--max-seconds", "soon"]])
def test_wrong_use_is_told(wrong: list[str]) -> None:
    with pytest.raises(CommandError, match="it must be"):
        call_command(COMMAND, *wrong)
