"""Random histories of invitations, made through the real services at times of the past."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st

from accounts.models import User
from referrals.browser_session import BrowserToken
from referrals.models import Attribution, ProgramTerms, ReferralCode, Status
from referrals.services import corrections
from referrals.services.attributions import reverse_attribution
from referrals.services.captures import capture_code, forget_captures, meet_browser
from referrals.services.claims import REFUSALS, claim_referral
from referrals.services.codes import CodeNotFound
from referrals.services.corrections import (
    CorrectionRefused,
    MoveNotAllowed,
    attribute_by_hand,
    move_to_referrer,
)
from referrals.services.events import NewEvent, record_event
from referrals.services.releases import release_due, resolve_held_of
from tests.factories import ReferralCodeFactory, TermsFactory, UserFactory

REFERRERS = 3
REFEREES = 5
TYPES = ("reading.completed", "quiz.completed")
# Days for which a person's account stood when the history begins; none: Clerk has not told yet.
AGES = (0, 3, 9, 20, None)

referees = st.integers(0, REFEREES - 1)
referrers = st.integers(0, REFERRERS - 1)
hours = st.integers(1, 60)
openings = st.tuples(st.just("open"), hours, referees, referrers)
visits = st.tuples(st.just("visit"), hours, referees, referrers)
sign_ins = st.tuples(st.just("sign_in"), hours, referees, st.just(0))
claims = st.tuples(st.just("claim"), hours, referees, st.none() | referrers)
events = st.tuples(st.just("event"), hours, referees, st.integers(0, len(TYPES) - 1))
staff = st.tuples(
    st.sampled_from(
        ["approve", "reject", "reverse", "forget", "tell", "ban", "release", "move", "by_hand"]
    ),
    hours, referees, referrers,
)  # fmt: skip
terms_values = st.fixed_dictionaries(
    {
        "touch": st.sampled_from(["first", "last"]),
        "capture_days": st.integers(1, 12),
        "claim_days": st.integers(1, 25),
        "qualifying_event_type": st.sampled_from(TYPES),
        "qualifying_event_count": st.integers(1, 3),
        "hold_days": st.sampled_from([0, 3]),
        "daily_cap": st.none() | st.integers(1, 2),
        "total_cap": st.none() | st.integers(1, 3),
        "referee_stars": st.integers(0, 3),
        "referrer_coins": st.integers(0, 80),
    }
)


@contextmanager
def undone() -> Iterator[None]:
    """Leave nothing of what happens in here."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass
class History:
    """Goes through a script: each step some hours after the one before."""

    begins: datetime
    now: datetime = field(init=False)
    owners: list[User] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    people: list[User] = field(default_factory=list)
    browsers: dict[int, BrowserToken | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.begins
        long_ago = self.begins - timedelta(days=400)
        for number in range(REFERRERS):
            code = ReferralCodeFactory(
                code=f"INVITER{number}",
                owner__clerk_id=f"user_inviter{number}",
                owner__account_created_at=long_ago,
                owner__created_at=long_ago,
            )
            self.owners.append(code.owner)
            self.codes.append(code.code)
        for number, days in enumerate(AGES):
            since = self.begins - timedelta(days=days) if days is not None else None
            person = UserFactory(clerk_id=f"user_guest{number}", account_created_at=since)
            self.people.append(person)

    def go(self, script: list[Any]) -> None:
        for what, after, who, which in script:
            self.now += timedelta(hours=after)
            person = User.objects.get(pk=self.people[who].pk)
            if not person.is_gone:
                getattr(self, f"_{what}")(person, who, which)

    def _open(self, person: User, who: int, which: int) -> None:
        self._store(person, None, which)

    def _visit(self, person: User, who: int, which: int) -> None:
        self.browsers[who] = self._store(None, self.browsers.get(who), which)

    def _store(
        self, user: User | None, browser: BrowserToken | None, which: int
    ) -> BrowserToken | None:
        try:
            return capture_code(
                code=self.codes[which], user=user, browser=browser, now=self.now
            ).browser
        except CodeNotFound:  # its owner is banned
            return browser

    def _sign_in(self, person: User, who: int, _which: int) -> None:
        browser = self.browsers.get(who)
        self.browsers[who] = meet_browser(user=person, browser=browser, now=self.now)

    def _claim(self, person: User, who: int, which: int | None) -> None:
        self._sign_in(person, who, 0)
        code = None if which is None else self.codes[which]
        try:
            claim_referral(
                user=person, actor="test", code=code, address=f"guest{who}", now=self.now
            )
        except tuple(REFUSALS.values()):
            pass

    def _event(self, person: User, who: int, which: int) -> None:
        event_id = f"{person.clerk_id} {self.now}"
        event = NewEvent(event_id, TYPES[which], person.clerk_id or "")
        record_event(event=event, source="test", now=self.now)

    def _forget(self, person: User, who: int, _which: int) -> None:
        forget_captures(user=person, browser=None, now=self.now)

    def _tell(self, person: User, who: int, _which: int) -> None:
        if person.account_created_at is None:
            person.account_created_at = self.begins - timedelta(days=3)
            person.save()
            resolve_held_of(user=person, now=self.now)

    def _ban(self, person: User, who: int, _which: int) -> None:
        owner = self.owners[who % REFERRERS]
        owner.banned_at = self.now
        owner.save()

    def _release(self, person: User, who: int, _which: int) -> None:
        release_due(now=self.now)

    def _approve(self, person: User, who: int, _which: int) -> None:
        self._decide(person, corrections.approve, Status.HELD)

    def _reject(self, person: User, who: int, _which: int) -> None:
        self._decide(person, corrections.reject, Status.HELD)

    def _reverse(self, person: User, who: int, _which: int) -> None:
        self._decide(person, reverse_attribution, Status.PENDING, Status.QUALIFIED, Status.REWARDED)

    def _move(self, person: User, who: int, which: int) -> None:
        code = ReferralCode.objects.get(code=self.codes[which])
        for attribution in Attribution.objects.live().filter(referee=person):
            with suppress(CorrectionRefused, MoveNotAllowed):
                move_to_referrer(
                    attribution, code=code, actor="staff:aree", reason="Hers", now=self.now
                )

    def _by_hand(self, person: User, who: int, which: int) -> None:
        code = ReferralCode.objects.get(code=self.codes[which])
        with suppress(CorrectionRefused, MoveNotAllowed):
            attribute_by_hand(person, code=code, actor="staff:aree", reason="Hers", now=self.now)

    def _decide(self, person: User, verb: Any, *statuses: Status) -> None:
        for attribution in Attribution.objects.filter(referee=person, status__in=statuses):
            verb(attribution=attribution, actor="staff:aree", reason="Settled", now=self.now)


def always(**values: Any) -> ProgramTerms:
    """Return terms of the default program that have been in force since long before."""
    first = ProgramTerms.objects.get(version=1)
    made: ProgramTerms = TermsFactory(effective_from=first.effective_from, **values)
    return made
