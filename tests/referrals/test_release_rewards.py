"""`release_rewards`: one attribution that cannot be paid stops no other."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from referrals.models import Attribution
from referrals.services import releases
from tests.factories import TermsFactory
from tests.people import Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(noks_code: str, ploy: Person, mali: Person, back_end: BackEnd) -> None:
    """Ploy's and Mali's attributions, in this order, both past their hold."""
    TermsFactory(hold_days=1)
    for person in (ploy, mali):
        invited(person, noks_code)
        back_end.report(person)
    a_week_ago = timezone.now() - timedelta(days=7)
    for hours, person in enumerate((ploy, mali)):
        Attribution.objects.filter(pk=attribution_of(person).pk).update(
            release_at=a_week_ago + timedelta(hours=hours)
        )


@pytest.fixture
def ploys_cannot_be_paid(due: None, ploy: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    pay = releases.pay_referrer

    def failing(attribution: Attribution, **options: Any) -> None:
        if attribution.referee.clerk_id == ploy.clerk_id:
            raise RuntimeError("no way")
        pay(attribution, **options)

    monkeypatch.setattr(releases, "pay_referrer", failing)


def run() -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("release_rewards", "--json", stdout=out)
    except SystemExit as stop:
        return int(str(stop.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.usefixtures("due")
def test_all_that_is_due_is_paid() -> None:
    assert run() == (0, {"released": 2, "failed": 0})
    assert run() == (0, {"released": 0, "failed": 0})


@pytest.mark.usefixtures("ploys_cannot_be_paid")
def test_one_that_fails_is_reported_and_the_others_are_paid(
    ploy: Person, mali: Person, caplog: pytest.LogCaptureFixture
) -> None:
    assert run() == (1, {"released": 1, "failed": 1})

    assert attribution_of(mali).status == "rewarded"
    assert attribution_of(ploy).status == "qualified"
    assert str(attribution_of(ploy).pk) in caplog.text


@pytest.mark.usefixtures("ploys_cannot_be_paid")
def test_a_page_in_which_all_fail_does_not_hide_what_is_behind_it(
    mali: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "PAGE", 1)

    released = releases.release_due(now=timezone.now())

    assert (released.moved, len(released.failed)) == (1, 1)
    assert attribution_of(mali).status == "rewarded"


@pytest.mark.usefixtures("due")
def test_a_page_that_another_run_has_done_does_not_hide_what_is_behind_it(
    ploy: Person, mali: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = releases._release

    def too_late_for_ploys(attribution: Attribution, now: datetime) -> bool:
        if attribution.referee.clerk_id == ploy.clerk_id:
            release(attribution, now)
        return release(attribution, now)

    monkeypatch.setattr(releases, "PAGE", 1)
    monkeypatch.setattr(releases, "_release", too_late_for_ploys)

    assert releases.release_due(now=timezone.now()) == releases.Released(moved=1)
    assert {attribution_of(p).status for p in (ploy, mali)} == {"rewarded"}


@pytest.mark.usefixtures("ploys_cannot_be_paid")
def test_what_failed_is_tried_again_by_the_next_run(
    ploy: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.undo()

    assert run() == (0, {"released": 1, "failed": 0})
    assert attribution_of(ploy).status == "rewarded"
