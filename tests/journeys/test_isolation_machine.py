"""Browsers and people in every order, against a small model of whose code is whose.

The model knows nothing of cookies, rows or signatures. It says: what a visitor opens lies in the
jar that the browser session is; who signs in first takes the jar's codes, once; what somebody opens
signed in is theirs; a claim uses one's own codes and consumes them. After every step the database
must hold for every person exactly the model's codes, and exactly the model's attributions.
"""

import itertools
import os
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from referrals.browser_session import COOKIE
from referrals.models import Attribution, Capture
from tests.factories import TermsFactory
from tests.people import Browser, Person, newcomer

NAMES = ("Nok", "Ploy", "Mali", "Somchai")
BROWSERS = 3
EXAMPLES = int(os.environ.get("ISOLATION_EXAMPLES", "40"))
STEPS = 50

people = st.integers(0, len(NAMES) - 1)
browsers = st.integers(0, BROWSERS - 1)
# Who sits at the browser: they sign in, or the one before has signed out, and then they act.
whoever = st.sampled_from([None, None, None, *range(len(NAMES))])
old_values = st.integers(1, 6)


@dataclass
class Opened:
    """When a code was opened first and last, on the model's own clock."""

    first: int
    last: int
    expired: bool = False

    def again(self, now: int) -> None:
        self.first = now if self.expired else self.first
        self.last, self.expired = now, False

    def merge(self, other: "Opened") -> None:
        self.first = other.first if self.expired else min(self.first, other.first)
        self.last, self.expired = max(self.last, other.last), False


@dataclass
class Jar:
    """What one browser session holds; once taken it gives nothing more."""

    codes: dict[str, Opened] = field(default_factory=dict)
    taken: bool = False


@dataclass
class Member:
    """A person, their code, what they hold, and whose invitation they accepted."""

    person: Person
    code: str
    held: dict[str, Opened] = field(default_factory=dict)
    invited_by: str | None = None


class Visit(Browser):
    """A browser with the jar that the model says it carries."""

    jar: Jar | None = None
    member: Member | None = None


class Isolation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.clock = itertools.count()
        self.values: list[tuple[str, Jar]] = []
        self.visits = [Visit(header_mode=bool(n % 2)) for n in range(BROWSERS)]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)

    @initialize(touch=st.sampled_from(["first", "last"]))
    def people_arrive(self, touch: str) -> None:
        cache.clear()
        TermsFactory(touch=touch)
        self.touch = touch
        made_at = int(time.time()) - 60
        self.members = []
        for name in NAMES:
            person = newcomer(name, account_created_at=made_at)
            self.members.append(Member(person, Browser().sign_in(person).me()["referral_code"]))
        self.by_code = {member.code: member for member in self.members}

    # One rule, so that every step sends something and the rare is as likely as the common.

    @rule(
        b=browsers,
        who=whoever,
        p=people,
        v=old_values,
        before=st.sampled_from([*[""] * 7, *["replay"] * 5, "forge", "expire"]),
        action=st.sampled_from(
            ["open", "open", "open", "look", "claim", "claim by code", "show", "forget", "foreign"]
        ),
    )
    def somebody_acts(
        self, *, b: int, who: int | None, p: int, v: int, before: str, action: str
    ) -> None:
        cache.clear()  # the rate limits are not what is tried here
        visit, code = self.visits[b], self.members[p].code
        visit.member = None if who is None else self.members[who]
        visit.person = visit.member and visit.member.person
        if before == "replay" and self.values:
            self.carry(visit, *self.value(v))
        elif before == "forge":
            self.carry(visit, ["", "forged", "AAAA:AAAA"][v % 3], None)
        elif before == "expire":
            self.time_passes()
        match action:
            case "open":
                self.open_link(visit, code)
            case "look":
                path = ["me", "referrals/status", "no/such/path"][v % 3]
                self.look(visit, path)
            case "claim":
                self.claim(visit, None)
            case "claim by code":
                self.claim(visit, code)
            case "show":
                self.show(visit)
            case "forget":
                self.forget(visit)
            case "foreign":
                self.send_foreign_header(visit, code, v)

    def look(self, visit: Visit, path: str) -> None:
        carried, response = visit.jar, visit.get(path)
        self.after(visit, response, self.meet(visit, carried), carried=carried)

    def carry(self, visit: Visit, value: str, jar: Jar | None) -> None:
        visit.jar, visit.browser_session = jar, value
        visit.client.cookies[COOKIE] = value

    def value(self, v: int) -> tuple[str, Jar]:
        return self.values[-min(v, len(self.values))]

    def time_passes(self) -> None:
        """Let everything that was opened so far expire."""
        Capture.objects.open().update(expires_at=timezone.now())
        jars = [jar for _, jar in self.values]
        for held in [*(m.held for m in self.members), *(jar.codes for jar in jars)]:
            for opened in held.values():
                opened.expired = True

    def show(self, visit: Visit) -> None:
        response = visit.get("referrals/captures/current")
        carried, jar = visit.jar, self.meet(visit, visit.jar)
        self.after(visit, response, jar, carried=carried)
        shown = response.json()["capture"]
        assert (shown and shown["code"]) == self.chosen(self.visible(visit, jar))

    def forget(self, visit: Visit) -> None:
        response = visit.delete("referrals/captures/current")
        assert response.status_code == 204
        carried, jar = visit.jar, self.meet(visit, visit.jar)
        self.after(visit, response, jar, carried=carried)
        held = self.visible(visit, jar)
        for code in [code for code, opened in held.items() if not opened.expired]:
            del held[code]

    def send_foreign_header(self, visit: Visit, code: str, v: int) -> None:
        """Send another browser's value by header, beside one's own cookie."""
        if visit.header_mode or not self.values:
            return
        value, jar = self.value(v)
        if v % 2:
            self.open_link(visit, code, header=(value, jar))
        else:
            response = visit.get("me", **{"X-Browser-Session": value})
            self.after(visit, response, self.meet(visit, jar), carried=jar)

    # What must hold after every step.

    @invariant()
    def everybody_holds_their_own_codes(self) -> None:
        rows = Capture.objects.open().exclude(user=None).values_list("user__clerk_id", "code__code")
        assert sorted(rows) == sorted(
            (member.person.clerk_id, code) for member in self.members for code in member.held
        )

    @invariant()
    def every_attribution_is_the_models(self) -> None:
        rows = Attribution.objects.values_list("referee__clerk_id", "code__code")
        assert sorted(rows) == sorted(
            (member.person.clerk_id, member.invited_by)
            for member in self.members
            if member.invited_by
        )

    # The model.

    def meet(self, visit: Visit, jar: Jar | None) -> Jar | None:
        """Return the jar that the browser carries after a request."""
        if visit.member is None:
            return jar
        if jar is not None and not jar.taken:
            jar.taken = True
            for code, opened in jar.codes.items():
                if opened.expired:
                    continue
                if code in visit.member.held:
                    visit.member.held[code].merge(opened)
                elif code != visit.member.code:
                    visit.member.held[code] = opened
            jar.codes = {}
        return None

    def after(self, visit: Visit, response: Any, jar: Jar | None, *, carried: Jar | None) -> None:
        """Note what the browser carries now; without a new value it keeps the one it had."""
        assert jar is carried or "X-Browser-Session" in response
        if "X-Browser-Session" in response:
            visit.jar = jar
            if jar is not None:
                self.values.append((response["X-Browser-Session"], jar))

    def visible(self, visit: Visit, jar: Jar | None) -> dict[str, Opened]:
        if visit.member:
            return visit.member.held
        return jar.codes if jar else {}

    def chosen(self, codes: dict[str, Opened]) -> str | None:
        usable = {code: opened for code, opened in codes.items() if not opened.expired}
        if self.touch == "first":
            return min(usable, key=lambda code: usable[code].first, default=None)
        return max(usable, key=lambda code: usable[code].last, default=None)

    def open_link(
        self, visit: Visit, code: str, header: tuple[str, Jar | None] | None = None
    ) -> None:
        headers = {"X-Browser-Session": header[0]} if header else {}
        response = visit.post("referrals/captures", {"code": code}, **headers)
        carried = header[1] if header else visit.jar
        jar = self.meet(visit, carried)
        if visit.member and code == visit.member.code:
            assert response.json()["code"] == "own_code"
            self.after(visit, response, jar, carried=carried)
            return
        if visit.member is None and (jar is None or jar.taken):
            jar = Jar()
        held = self.visible(visit, jar)
        assert response.status_code == (200 if code in held else 201)
        now = next(self.clock)
        held.setdefault(code, Opened(now, now)).again(now)
        self.after(visit, response, jar, carried=carried)

    def claim(self, visit: Visit, code: str | None) -> None:
        carried, response = visit.jar, visit.claim(code)
        self.after(visit, response, self.meet(visit, carried), carried=carried)
        answer = response.json()
        if visit.member is None:
            assert answer["code"] == "token_missing"
            return
        expected, claimed = self.judged(visit.member, code or self.chosen(visit.member.held), code)
        assert (response.status_code, answer.get("code")) == expected
        if expected[0] == 201:
            visit.member.invited_by, visit.member.held = claimed, {}
        if expected[0] in {200, 201}:
            shown = answer["attribution"]
            assert (shown and shown["code"]) == visit.member.invited_by

    def judged(
        self, member: Member, code: str | None, typed: str | None
    ) -> tuple[tuple[int, str | None], str | None]:
        standing = member.invited_by
        if code is None or (standing and typed in {None, standing}):
            return (200, None), standing
        if code == member.code:
            return (422, "self_referral"), None
        if standing:
            return (409, "already_attributed"), None
        if member.code in self.inviters(code):
            return (422, "reciprocal_referral"), None
        return (201, None), code

    def inviters(self, code: str) -> set[str]:
        found: set[str] = set()
        above = self.by_code[code].invited_by
        while above and above not in found:
            found.add(above)
            above = self.by_code[above].invited_by
        return found


@pytest.mark.django_db
def test_no_code_ever_reaches_another_person() -> None:
    run_state_machine_as_test(
        Isolation,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
