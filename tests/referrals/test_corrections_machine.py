"""Claims, events, spends, releases, departures and every correction, in any order.

After each step the ledger and the attributions prove, nobody has two live attributions, nobody is
their own inviter through others, and each timeline ends where its attribution stands. What staff
are shown is what is done, and what they undo leaves everybody with what they had.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from accounts.services import erase_user
from backoffice.corrections import Correction
from backoffice.rehearsal import carry_out, rehearse
from referrals.admin.corrections import ATTRIBUTE, CORRECTIONS
from referrals.admin.corrections import REFUSALS as OF_ATTRIBUTIONS
from referrals.models import Attribution, ReferralCode
from referrals.services import claims, corrections
from referrals.services.codes import create_referral_code
from referrals.services.events import NewEvent, record_event
from referrals.services.proof import verify_attributions
from referrals.services.releases import release_due, resolve_held_of
from rewards import services as rewards
from rewards.models import Balance, Transaction
from rewards.services import corrections as on_the_ledger
from tests.factories import TermsFactory, UserFactory
from tests.referrals.back_end import READING

REFUSALS = (*OF_ATTRIBUTIONS, rewards.OwnedElsewhere, rewards.UserGone)
BY_AREE = {"actor": "staff:aree", "reason": "Looked at it."}
people = st.sampled_from(range(5))
places = st.sampled_from(range(60))
yes_or_no = st.booleans()
BY_SLUG = {correction.slug: correction for correction in CORRECTIONS}
UNDONE_BY = {"reverse": "restore", "reject": "reopen", "move": "undo-move", "restore": "reverse"}


class Corrections(RuleBasedStateMachine):
    """Five people; the mailbox of one is a throw-away, the age of another not known at first."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.now = timezone.now()
        self.steps = 0
        made_at = self.now - timedelta(days=1)
        self.users = [UserFactory(clerk_id=f"p{n}", account_created_at=made_at) for n in range(5)]
        User.objects.filter(clerk_id="p3").update(email="p3@mailinator.com")
        User.objects.filter(clerk_id="p4").update(account_created_at=None)
        for user in self.users:
            create_referral_code(owner=user, now=self.now)
        self.set_terms(hold_days=0, events=1)
        for referee, referrer in ((1, 0), (2, 1), (3, 0), (4, 2)):
            self.claims(referee, referrer)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    # What people and services do.

    @rule(hold_days=st.integers(0, 1), events=st.integers(1, 2))
    def set_terms(self, hold_days: int, events: int) -> None:
        TermsFactory(
            claim_days=3650,
            hold_days=hold_days,
            qualifying_event_count=events,
            effective_from=self.now,
            referee_stars=3,
            referrer_coins=50,
            referrer_exp=5,
        )

    @rule(referee=people, referrer=people)
    def claims(self, referee: int, referrer: int) -> None:
        refusals = (*claims.REFUSALS.values(), claims.AccountDeleted)
        with refused_by(*refusals):
            claims.claim_referral(
                user=self.users[referee],
                actor=f"p{referee}",
                code=self.code_of(referrer).code,
                address="",
                now=self.tick(),
            )

    @rule(person=people)
    def reads(self, person: int) -> None:
        event = NewEvent(event_id=f"e{self.steps}", type=READING, clerk_id=f"p{person}")
        record_event(event=event, source="web app", now=self.tick())

    @rule(person=people, amount=st.integers(1, 40))
    def spends(self, person: int, amount: int) -> None:
        with refused_by(rewards.InsufficientBalance):
            rewards.spend(
                user_id=self.users[person].pk,
                amount=amount,
                order=["stars", "coins"],
                reason="A candle",
                key=f"spend {self.steps}",
                actor="key:1",
                now=self.tick(),
            )

    @rule()
    def a_day_goes_by(self) -> None:
        self.now += timedelta(days=1)
        release_due(now=self.tick())

    @rule(person=people, lot=st.sampled_from(range(6)))
    def somebody_goes_or_comes_back(self, person: int, lot: int) -> None:
        """Whoever is banned comes back sooner or later; few are erased, for good."""
        banned = User.objects.filter(deleted_at=None, banned_at__isnull=False)
        if not banned.update(banned_at=None):
            if lot == 0:
                erase_user(clerk_id=f"p{person}", now=self.tick())
            else:
                User.objects.filter(clerk_id=f"p{person}", deleted_at=None).update(
                    banned_at=self.tick()
                )

    @rule()
    def an_age_is_learned(self) -> None:
        late = User.objects.filter(clerk_id="p4", deleted_at=None, account_created_at=None)
        if late.update(account_created_at=self.users[0].account_created_at):
            resolve_held_of(user=User.objects.get(clerk_id="p4"), now=self.tick())

    @rule(place=places)
    def a_service_reverses(self, place: int) -> None:
        """Reverse any transaction for its own sake: a reward, a reversal, a restoral."""
        posted = list(Transaction.objects.order_by("pk"))
        if posted:
            with refused_by(*REFUSALS):
                rewards.reverse_by_id(
                    transaction_id=str(posted[place % len(posted)].pk),
                    reason="By a service",
                    key=f"service {self.steps}",
                    actor="key:1",
                    now=self.tick(),
                )

    # What staff do.

    @rule(place=places, referrer=people, claw_back=yes_or_no)
    def corrects(self, place: int, referrer: int, claw_back: bool) -> None:
        """Make any correction that is offered on the page of any attribution."""
        offered = self.offered()
        correction, attribution = offered[place % len(offered)]
        self.act(self.verb(correction, attribution, referrer, claw_back))

    @rule(place=places, referrer=people, claw_back=yes_or_no)
    def corrects_some_more(self, place: int, referrer: int, claw_back: bool) -> None:
        for n in range(3):
            self.corrects(place + n, referrer, claw_back)
            self.the_proofs_find_nothing()

    @rule(place=places, referrer=people)
    def corrects_and_thinks_better_of_it(self, place: int, referrer: int) -> None:
        """Whoever undoes at once what they did leaves everybody with what they had."""
        offered = [pair for pair in self.offered() if pair[0].slug in UNDONE_BY]
        correction, attribution = offered[place % len(offered)]
        before = self.holdings()
        if not self.act(self.verb(correction, attribution, referrer, claw_back=True)):
            return
        undo = BY_SLUG[UNDONE_BY[correction.slug]]
        subject = attribution
        if correction.slug == "move":
            subject = attribution.replacements.live().get()  # type: ignore[attr-defined]
        is_undone = self.act(self.verb(undo, subject, referrer, claw_back=True))
        is_as_before = Attribution.objects.get(pk=attribution.pk).status == attribution.status
        assert self.holdings() == before or not (is_undone and is_as_before)

    @rule(referee=people, referrer=people)
    def attributes_by_hand(self, referee: int, referrer: int) -> None:
        self.act(partial(ATTRIBUTE.act, self.users[referee], code=self.code_of(referrer)))

    @rule(person=people, stars=st.integers(0, 5), coins=st.integers(1, 40), grants=yes_or_no)
    def grants_or_takes_back(self, person: int, stars: int, coins: int, grants: bool) -> None:
        user = User.objects.get(pk=self.users[person].pk)
        if grants and not user.is_gone:
            verb: Callable[..., Any] = on_the_ledger.grant_by_hand
        else:
            verb = partial(on_the_ledger.take_back, what_is_left=True)
        self.act(partial(verb, user, nonce=uuid4(), stars=stars, coins=coins))

    @rule(place=places, claw_back=yes_or_no)
    def reverses_one_transaction(self, place: int, claw_back: bool) -> None:
        posted = list(Transaction.objects.filter(reversed_by=None).order_by("pk"))
        if posted:
            one = posted[place % len(posted)]
            self.act(partial(on_the_ledger.reverse, one, claw_back=claw_back))

    @rule(decision=st.sampled_from(["approve", "reject"]))
    def decides_all_that_is_held(self, decision: Any) -> None:
        everything = list(Attribution.objects.all())
        self.act(partial(corrections.decide_held, everything, decision=decision))

    # What must hold, whatever they do.

    @invariant()
    def the_proofs_find_nothing(self) -> None:
        with connection.cursor() as cursor:  # what PostgreSQL would check at commit
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        assert [*rewards.verify_ledger(), *verify_attributions()] == []

    @invariant()
    def whoever_is_erased_holds_nothing(self) -> None:
        assert not Balance.objects.filter(user__deleted_at__isnull=False).exclude(amount=0).exists()

    @invariant()
    def each_has_one_inviter_and_nobody_invited_themselves(self) -> None:
        live = list(Attribution.objects.live().values_list("referee", "referrer"))
        inviter = dict(live)
        assert len(inviter) == len(live)
        for start in inviter:
            seen, at = {start}, inviter.get(start)
            while at is not None:
                assert at not in seen
                seen.add(at)
                at = inviter.get(at)

    @invariant()
    def each_timeline_ends_where_its_attribution_stands(self) -> None:
        for attribution in Attribution.objects.prefetch_related("timeline"):
            at = ""
            for entry in attribution.timeline.all():
                assert entry.from_status == at
                at = entry.to_status
            assert at == attribution.status

    # How it is done.

    def tick(self) -> Any:
        self.steps += 1
        self.now += timedelta(seconds=1)
        return self.now

    def code_of(self, person: int) -> ReferralCode:
        return ReferralCode.objects.select_related("owner").get(owner=self.users[person])

    def offered(self) -> list[tuple[Correction, Attribution]]:
        made = list(Attribution.objects.order_by("pk"))
        return [(c, a) for a in made for c in CORRECTIONS if c.applies(a)]

    def verb(
        self, correction: Correction, attribution: Attribution, referrer: int, claw_back: bool
    ) -> Callable[..., Any]:
        asked: dict[str, Any] = {}
        if "claw_back" in correction.form_class.base_fields:
            asked["claw_back"] = claw_back
        if "code" in correction.form_class.base_fields:
            asked["code"] = self.code_of(referrer)
        return partial(correction.act, attribution, **asked)

    def act(self, verb: Callable[..., Any]) -> bool:
        """Do it as staff do: look at what it would bring, then confirm that. Say whether it was."""
        act = partial(verb, **BY_AREE, now=self.tick())
        before = self.holdings()
        try:
            shown = rehearse(act)
        except REFUSALS:
            assert self.holdings() == before
            return False
        assert self.holdings() == before
        carry_out(act, seen=shown.digest)
        after = self.holdings()
        for balance in shown.balances:
            place = (balance.who, balance.currency)
            assert (before.get(place, 0), after.get(place, 0)) == (balance.before, balance.after)
        return True

    def holdings(self) -> dict[tuple[str, str], int]:
        rows = Balance.objects.exclude(amount=0).select_related("user")
        return {(row.user.known_as, row.get_currency_display()): row.amount for row in rows}


class refused_by:  # noqa: N801  (reads as a statement)
    """Let these refusals pass, and undo what they left."""

    def __init__(self, *refusals: type[Exception]) -> None:
        self.refusals = refusals
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.savepoint.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.savepoint.__exit__(kind, error, trace)
        return kind is not None and issubclass(kind, self.refusals)


@pytest.mark.django_db
def test_corrections_in_any_order_leave_everything_provable() -> None:
    run_state_machine_as_test(
        Corrections,
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
