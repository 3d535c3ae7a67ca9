"""What if other terms had been in force: a replay of the past that writes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InternalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from referrals.services.attributions import release_due
from referrals.services.what_if import Tally, what_if
from tests.factories import TermsFactory, default_program
from tests.referrals import histories
from tests.referrals.histories import History, always, undone

pytestmark = pytest.mark.django_db

BEGINS = datetime(2026, 1, 5, 9, tzinfo=UTC)
QUIET = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
anything = st.lists(
    histories.openings
    | histories.visits
    | histories.sign_ins
    | histories.claims
    | histories.claims
    | histories.events
    | histories.staff,
    max_size=25,
)


def replayed(history: History, terms: Any, **period: Any) -> Any:
    """Replay a whole history, and a month after it."""
    end = history.now + timedelta(days=30)
    return what_if(**{"terms": terms, "since": BEGINS, "until": end, "now": end, **period})


@QUIET
@given(script=anything, values=histories.terms_values, part=st.integers(0, 400))
def test_under_the_very_same_terms_everything_is_as_it_was(
    script: list[Any], values: dict[str, Any], part: int
) -> None:
    with undone():
        terms = always(**values)
        history = History(BEGINS)
        history.go(script)

        for since in (BEGINS, BEGINS + timedelta(hours=part)):
            replay = replayed(history, terms, since=since)

            assert replay.was == replay.would_be
            assert (replay.changed, replay.examples) == (0, [])


once_each = st.permutations(range(histories.REFEREES - 1))


@st.composite
def simple_scripts(draw: st.DrawFn) -> list[Any]:
    """Return a script in which everybody, of known age, opens some codes and then claims once."""
    script: list[Any] = []
    for who in draw(once_each):
        for which in draw(st.lists(histories.referrers, max_size=4)):
            kind = draw(st.sampled_from(["open", "visit", "event"]))
            script.append(
                (kind, draw(histories.hours), who, which % 2 if kind == "event" else which)
            )
        named = draw(st.none() | st.none() | histories.referrers)
        script.append(("claim", draw(st.integers(1, 30)), who, named))
        for which in draw(st.lists(st.integers(0, 1), max_size=4)):
            script.append(("event", draw(histories.hours), who, which))
    return script


@QUIET
@given(script=simple_scripts(), old=histories.terms_values, new=histories.terms_values)
def test_under_other_terms_it_comes_out_as_if_they_had_been_in_force(
    script: list[Any], old: dict[str, Any], new: dict[str, Any]
) -> None:
    # A claim that finds nothing is not written down, so a longer life cannot be replayed.
    old["capture_days"] = max(old["capture_days"], new["capture_days"])
    with undone():
        always(**old)
        history = _lived(script)
        draft = TermsFactory.build(program=default_program(), version=9, **new)
        imagined = replayed(history, draft).would_be
    with undone():
        terms = always(**new)
        lived = replayed(_lived(script), terms).was

    assert _comparable(imagined) == _comparable(lived)


def _lived(script: list[Any]) -> History:
    history = History(BEGINS)
    history.go(script)
    release_due(now=history.now + timedelta(days=30))
    return history


def _comparable(tally: Tally) -> dict[str, Any]:
    """Drop what leaves no trace when it really happens."""
    fates = {fate: n for fate, n in tally.fates.items() if fate != "nothing"}
    return {
        "fates": fates,
        "refusals": dict(tally.refusals),
        "held at first": tally.held_at_first,
        "qualified": tally.qualified,
        "rewarded": tally.rewarded,
        "paid": (tally.to_referees, tally.to_referrers),
    }


def test_postgresql_refuses_to_write_during_a_replay() -> None:
    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("UPDATE accounts_user SET first_name = ''")

    with pytest.raises(InternalError, match="read-only transaction"):
        write()
