"""What if other terms had been in force: a replay of the past that writes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InternalError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from referrals.models import ProgramTerms, UserDevice
from referrals.services.releases import release_due
from referrals.services.terms_in_words import CONTENT
from referrals.services.what_if import PeriodNotAllowed, Tally, what_if
from referrals.services.what_if.replay import Replay
from tests.factories import TermsFactory, default_program
from tests.referrals import histories
from tests.referrals.histories import History, always, undone
from tests.statements import statements

pytestmark = pytest.mark.django_db

BEGINS = datetime(2026, 1, 5, 9, tzinfo=UTC)
QUIET = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
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


class TestByExample:
    """Nok's friends, by known steps."""

    @pytest.fixture
    def history(self) -> History:
        always(capture_days=10, claim_days=7)
        return History(BEGINS)

    def under(self, history: History, **values: Any) -> Any:
        terms = TermsFactory.build(
            program=default_program(), version=9, **{"capture_days": 10, **values}
        )
        return replayed(history, terms)

    def test_a_cap_refuses_the_last(self, history: History) -> None:
        history.go([("claim", 1, who, 0) for who in (0, 1)])

        replay = self.under(history, total_cap=1)

        assert replay.was.fates == {"attributed": 2}
        assert replay.would_be.fates == {"attributed": 1, "refused": 1}
        assert replay.would_be.refusals == {"cap_reached": 1}
        assert [change.referee for change in replay.examples] == [history.people[1]]

    def test_those_invited_before_the_period_count_for_the_caps(self, history: History) -> None:
        history.go([("claim", 1, 0, 0), ("claim", 60, 1, 0)])
        later = {"since": BEGINS + timedelta(hours=30)}

        replay = replayed(history, always(capture_days=10, total_cap=1), **later)

        assert replay.would_be.refusals == {"cap_reached": 1}

    def test_the_first_touch_brings_another_referrer(self, history: History) -> None:
        history.go([("open", 1, 0, 1), ("open", 1, 0, 2), ("claim", 1, 0, None)])

        change = self.under(history, touch="first").examples[0]

        assert change.was.referrer_id == history.owners[2].pk
        assert change.would_be.referrer_id == history.owners[1].pk

    def test_another_referrer_on_the_same_device_is_held(self, history: History) -> None:
        history.go([("open", 1, 0, 1), ("open", 1, 0, 2), ("claim", 1, 0, None)])
        device = history.people[0].devices.get().device_id
        UserDevice.objects.create(user=history.owners[1], device_id=device)

        assert self.under(history, touch="first").would_be.fates == {"held": 1}

    def test_an_invitation_that_would_have_expired_leaves_nothing_to_claim(
        self, history: History
    ) -> None:
        history.go([("visit", 1, 0, 1), ("sign_in", 30, 0, 0), ("claim", 1, 0, None)])

        assert self.under(history, capture_days=1).would_be.fates == {"nothing": 1}

    def test_an_older_invitation_is_found_if_they_are_kept_longer(self, history: History) -> None:
        always(capture_days=10, claim_days=30)
        history.go([("visit", 1, 1, 1), ("open", 300, 1, 2), ("claim", 1, 1, None)])

        replay = self.under(history, capture_days=30, claim_days=30, touch="first")

        assert replay.changed == 1
        assert replay.examples[0].would_be.referrer_id == history.owners[1].pk

    def test_an_account_is_new_for_longer(self, history: History) -> None:
        history.go([("claim", 1, 2, 0)])

        replay = self.under(history, claim_days=30)

        assert replay.was.refusals == {"not_new_account": 1}
        assert replay.would_be.fates == {"attributed": 1}

    def test_an_age_that_was_told_later_is_judged_by_the_new_window(self, history: History) -> None:
        history.go([("claim", 120, 4, 0), ("tell", 1, 4, 0)])

        replay = self.under(history, claim_days=9)

        assert replay.was.fates == {"rejected": 1}
        assert replay.would_be.fates == {"attributed": 1}
        assert replay.was.held_at_first == replay.would_be.held_at_first == 1

    def test_what_was_rejected_for_its_age_may_still_need_a_review(self, history: History) -> None:
        history.go([("sign_in", 1, 4, 0)])
        device = history.people[4].devices.get().device_id
        UserDevice.objects.create(user=history.owners[0], device_id=device)
        history.go([("claim", 120, 4, 0), ("tell", 1, 4, 0)])

        assert self.under(history, claim_days=9).would_be.fates == {"held": 1}

    def test_a_hold_begins_with_the_claim_if_the_event_came_before(self, history: History) -> None:
        history.go([("event", 1, 0, 0), ("claim", 240, 0, 0)])

        would_be = self.under(history, claim_days=30, hold_days=35).would_be

        assert (would_be.qualified, would_be.rewarded) == (1, 0)

    def test_events_count_by_the_new_type_and_number(self, history: History) -> None:
        history.go([("claim", 1, 0, 0), ("event", 1, 0, 1), ("event", 1, 0, 1)])
        quiz = {"qualifying_event_type": "quiz.completed", "qualifying_event_count": 2}

        assert self.under(history).would_be.qualified == 0
        assert self.under(history, **quiz).would_be.rewarded == 1
        assert self.under(history, **quiz).would_be.to_referrers.coins == 50

    def test_a_hold_that_is_not_over_pays_nobody_yet(self, history: History) -> None:
        history.go([("claim", 1, 0, 0), ("event", 1, 0, 0)])

        held, over = (self.under(history, hold_days=days).would_be for days in (60, 20))

        assert (held.qualified, held.rewarded) == (1, 0)
        assert (over.qualified, over.rewarded) == (1, 1)

    def test_what_staff_decided_stays_decided(self, history: History) -> None:
        history.go([("claim", 1, 4, 0), ("approve", 1, 4, 0), ("event", 1, 4, 0)])
        history.go([("reverse", 1, 4, 0)])

        replay = self.under(history, claim_days=1)

        assert (replay.would_be.reversed, replay.changed) == (1, 0)

    def test_more_claims_than_can_be_read_are_cut_and_said_to_be(self, history: History) -> None:
        history.go([("claim", 1, who, 0) for who in (0, 1, 3)])
        terms = ProgramTerms.objects.latest("version")

        cut, whole = (replayed(history, terms, most_claims=most) for most in (1, 3))

        assert (cut.claims_read, cut.was.claims) == (1, 1)
        assert cut.cut_at == BEGINS + timedelta(hours=1)
        assert (whole.claims_read, whole.cut_at) == (3, None)

    def test_claims_are_read_page_by_page(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        history.go([("claim", 1, who, 0) for who in (0, 1, 2, 3)])
        whole = self.under(history, total_cap=1)
        monkeypatch.setattr("referrals.services.what_if.history.PAGE", 1)

        assert self.under(history, total_cap=1).would_be == whole.would_be

    def test_it_asks_no_more_for_more_claims(self, history: History) -> None:
        def asked() -> int:
            with statements() as sent:
                self.under(history, touch="first", capture_days=3)
            return len(sent)

        history.go([("open", 1, 0, 1), ("open", 1, 0, 2), ("claim", 1, 0, None)])
        before = asked()
        for who in (1, 2, 3, 4):
            history.go([("open", 1, who, 1), ("open", 1, who, 2), ("claim", 1, who, None)])

        assert asked() == before

    def test_it_writes_nothing_and_postgresql_would_refuse(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        history.go([("claim", 1, 0, 0)])
        take = Replay.take

        def write(replay: Replay, claim: Any) -> None:
            take(replay, claim)
            claim.referee.save()

        monkeypatch.setattr(Replay, "take", write)
        with pytest.raises(InternalError, match="read-only transaction"), transaction.atomic():
            self.under(history)
        history.people[0].save()  # afterwards one may write again

    @pytest.mark.parametrize("days", [(0, 93), (5, 5), (5, 1)])
    def test_a_period_that_cannot_be_replayed_is_refused(
        self, history: History, days: tuple[int, int]
    ) -> None:
        since, until = (BEGINS + timedelta(days=n) for n in days)

        with pytest.raises(PeriodNotAllowed):
            what_if(
                terms=ProgramTerms.objects.latest("version"),
                since=since,
                until=until,
                now=BEGINS + timedelta(days=200),
            )

    def test_a_time_before_which_there_is_none_is_refused(self, db: Any) -> None:
        begins = datetime(1, 1, 1, tzinfo=UTC)

        with pytest.raises(PeriodNotAllowed):
            what_if(
                terms=ProgramTerms.objects.latest("version"),
                since=begins,
                until=begins + timedelta(days=5),
                now=BEGINS,
            )


class TestPage:
    @pytest.fixture
    def aree(self, db: Any) -> Client:
        client = Client()
        client.force_login(User.objects.create_superuser("aree", "secret"))
        return client

    @pytest.fixture
    def claims(self, db: Any) -> None:
        history = History(timezone.now() - timedelta(days=20))
        history.go([("claim", 1, who, 0) for who in (0, 1)])

    @pytest.mark.usefixtures("claims")
    def test_a_version_that_stands_is_replayed_for_the_last_thirty_days(self, aree: Client) -> None:
        terms = ProgramTerms.objects.get()

        page = aree.get(f"/admin/referrals/programterms/{terms.pk}/what-if/")

        assert page.context["result"].was.claims == 2
        assert page.context["changes"] == []
        assert "2 claims were read" in page.content.decode()

    @pytest.mark.usefixtures("claims")
    def test_a_draft_is_replayed_from_its_preview_and_is_not_kept(self, aree: Client) -> None:
        terms = ProgramTerms.objects.get()
        fields = {name: getattr(terms, name) for name in CONTENT}
        draft = {**fields, "daily_cap": "", "total_cap": "1", "reason": "A try", "seen": "1"}

        page = aree.post("/admin/referrals/programterms/what-if/", draft)

        assert page.context["result"].would_be.refusals == {"cap_reached": 1}
        told = page.content.decode()
        assert "Live attributions of one referrer: no limit → 1." in told
        assert "Refused: the referrer had reached a cap." in told
        person = User.objects.get(clerk_id="user_guest1")
        assert f"/admin/accounts/user/{person.pk}/change/" in told
        assert 'name="total_cap" value="1"' in told
        assert ProgramTerms.objects.count() == 1

    def test_a_period_that_is_too_long_is_told(self, aree: Client) -> None:
        terms = ProgramTerms.objects.get()
        period = {"since": "2025-01-01T00:00", "until": "2025-06-01T00:00"}

        page = aree.get(f"/admin/referrals/programterms/{terms.pk}/what-if/", period)

        assert "lasts at most 92 days" in page.content.decode()
