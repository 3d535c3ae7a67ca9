"""The held queue: what waits, why, with which evidence; one or many decided as they were shown."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from referrals.models import Attribution, Decision, Outcome, QualifyingEvent, Status, UserDevice
from referrals.services.attributions import reject_attribution
from referrals.services.corrections import reject, reopen
from referrals.services.queue import Case, held_cases
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import AttributionFactory, TermsFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, invited, user_of
from tests.staff import staff
from tests.statements import statements

pytestmark = pytest.mark.django_db
LIST = "/admin/referrals/attribution/"
QUEUE = f"{LIST}held/"
DECIDE = f"{LIST}decide/"
DEVICES = [UUID(f"0192f0c1-0000-7000-8000-00000000000{n}") for n in (1, 2)]


@pytest.fixture
def reviewer(db: Any) -> Client:
    return staff("view_attribution", "decide_attribution")


@pytest.fixture
def mali(noks_code: str) -> Person:
    """Invited by Nok, and held for a mailbox that she will throw away."""
    mali = newcomer("Mali", email="mali.smith@mailinator.com")
    invited(mali, noks_code)
    return mali


def the_case(**wanted: Any) -> Case:
    """Return the one case of the queue."""
    cases, _ = held_cases(now=timezone.now(), **wanted)
    assert len(cases) == 1
    return cases[0]


def page(client: Client, **asked: str) -> str:
    response = client.get(QUEUE, asked)
    assert response.status_code == 200
    return str(response.content.decode())


def show(client: Client, decision: str, *attributions: Attribution, **more: Any) -> Any:
    """Choose in the queue, and return the page that shows what the decision will do."""
    return client.post(
        DECIDE,
        {
            "decision": decision,
            "case": [a.pk for a in attributions],
            "reason": "Known to us",
            "back": QUEUE,
            **more,
        },
    )


def confirm(client: Client, shown: Any, **changed: Any) -> Any:
    """Confirm what a page has shown."""
    context = shown.context
    return client.post(
        DECIDE,
        {
            "decision": context["verb"].slug,
            "case": [a.pk for a in context["chosen"]],
            "reason": "Known to us",
            "back": context["back"],
            "seen": context["effect"].digest,
            "confirm": "yes",
            **changed,
        },
        follow=True,
    )


class TestEvidence:
    def test_every_rule_that_did_not_pass_is_told(self, noks_code: str, nok: Person) -> None:
        phone = Browser(address="198.51.100.7")
        phone.sign_in(nok).me()
        ploy = Person("user_ploy", {"first_name": "Ploy", "email": "ploy@mailinator.com"})
        phone.sign_in(ploy).claim(noks_code)

        reasons = the_case().reasons

        assert [(r.rule, r.verdict, r.text) for r in reasons] == [
            ("account_is_new", "unknown", "Clerk has not yet said when the account was made."),
            ("devices_differ", "review", "Referrer and referee have used the same device."),
            ("mailbox_is_lasting", "review", "The e-mail address is of a disposable domain."),
        ]

    def test_what_clerk_has_answered_since_is_no_reason_any_more(
        self, noks_code: str, mali: Person
    ) -> None:
        attribution = attribution_of(mali)
        told = Decision.objects.get(attribution=attribution)
        unknown = {"rule": "account_is_new", "verdict": "unknown", "reason": "Not said."}
        Decision.objects.create(
            referee=told.referee,
            attribution=attribution,
            code=noks_code,
            at=told.at,
            outcome=Outcome.HELD,
            evaluations=[unknown],
        )

        assert [reason.rule for reason in the_case().reasons] == ["mailbox_is_lasting"]

        Attribution.objects.update(awaits_age=True)
        assert [reason.rule for reason in the_case().reasons] == [
            "mailbox_is_lasting",
            "account_is_new",
        ]

    def test_devices_that_both_have_used_are_named_with_their_dates(self, mali: Person) -> None:
        nok, since = User.objects.get(clerk_id="user_nok"), timezone.now() - timedelta(days=3)
        _, shared = [UserDevice.objects.create(user=nok, device_id=d) for d in DEVICES]
        UserDevice.objects.create(user=user_of(mali), device_id=DEVICES[1], first_seen_at=since)

        devices = the_case().devices

        assert [(d.device_id, d.referee_since, d.referrer_since) for d in devices] == [
            (DEVICES[1], since, shared.first_seen_at)
        ]

    def test_claims_of_the_referrer_before_it_are_counted_by_hour_and_day(
        self, mali: Person
    ) -> None:
        held = attribution_of(mali)
        for hours in (-1, 0.5, 2, 23, 25):
            AttributionFactory(
                code=held.code,
                status=Status.REJECTED,
                claimed_at=held.claimed_at - timedelta(hours=hours),
            )

        numbers = the_case().numbers

        assert (numbers.in_hour, numbers.in_day) == (1, 3)

    def test_claims_from_the_same_network_address_are_counted_never_named(
        self, reviewer: Client, noks_code: str, somchai: Person
    ) -> None:
        somchais_code = Browser().sign_in(somchai).me()["referral_code"]
        Browser().sign_in(newcomer("Ploy")).claim(noks_code)
        Browser().sign_in(newcomer("Dao")).claim(somchais_code)
        Browser(address="192.0.2.9").sign_in(newcomer("Fah")).claim(noks_code)
        Browser().sign_in(newcomer("Mali", email="mali@mailinator.com")).claim(noks_code)

        numbers = the_case().numbers

        assert (numbers.from_address, numbers.from_address_for_referrer) == (2, 1)
        shown = page(reviewer)
        assert "2 claims of others, 1 of them for this referrer" in shown
        assert "203.0.113" not in shown
        assert Decision.objects.latest("id").address_hash not in shown

    def test_an_address_whose_hash_has_expired_is_no_longer_known(
        self, reviewer: Client, mali: Person
    ) -> None:
        Decision.objects.update(address_hash="")

        assert the_case().numbers.from_address is None
        assert "no longer known" in page(reviewer)

    def test_the_referrers_record_is_counted(self, mali: Person, noks_code: str) -> None:
        held = attribution_of(mali)
        invited(newcomer("Dao"), noks_code)
        for status in (Status.REJECTED, Status.REJECTED, Status.REVERSED):
            AttributionFactory(code=held.code, status=status)

        record = the_case().record

        assert (record.invited, record.held, record.rewarded) == (2, 1, 0)
        assert (record.rejected, record.reversed, record.is_cut) == (2, 1, False)

    def test_what_staff_have_reopened_waits_since_then_and_shows_their_reason(
        self, reviewer: Client, mali: Person
    ) -> None:
        attribution = attribution_of(mali)
        asked: dict[str, Any] = {"actor": "staff:aree", "now": timezone.now()}
        reject(attribution, reason="Too fast", **asked)
        reopen(attribution, reason="Her mother wrote to us", **asked)

        case = the_case()

        assert (case.holding.at, case.holding.is_by_staff) == (asked["now"], True)
        assert "Her mother wrote to us" in page(reviewer)


class TestPayments:
    """What the queue says that an approval pays is what it pays."""

    def test_the_referee_at_once_the_referrer_after_the_reading(self, mali: Person) -> None:
        referee, referrer = the_case().payments

        assert (referee.user, referee.amounts, referee.when) == (
            *(user_of(mali), Amounts(stars=1), "at once"),
        )
        assert (referrer.user.clerk_id, referrer.amounts, referrer.when) == (
            *("user_nok", Amounts(coins=50), "after 1 more reading.completed of the referee"),
        )

    def test_both_at_once_if_the_reading_has_been(self, mali: Person, back_end: BackEnd) -> None:
        back_end.report(mali)
        assert [payment.when for payment in the_case().payments] == ["at once", "at once"]

    def test_the_referrer_after_the_hold(
        self, noks_code: str, back_end: BackEnd, ploy: Person
    ) -> None:
        TermsFactory(hold_days=7, referee_stars=0)
        ploy.claims["email"] = "ploy@mailinator.com"
        invited(ploy, noks_code)

        (before,) = the_case().payments
        back_end.report(ploy)
        (after,) = the_case().payments

        assert before.when == "7 days after 1 × reading.completed of the referee"
        assert after.when.endswith(", after a hold of 7 days")

    def test_no_banned_referrer(self, mali: Person) -> None:
        User.objects.filter(clerk_id="user_nok").update(banned_at=timezone.now())

        assert the_case().payments[1].when == "not while the account is deleted or banned"

    def test_events_beyond_those_needed_are_not_counted(self, mali: Person) -> None:
        for number in range(3):
            QualifyingEvent.objects.create(
                event_id=f"e{number}",
                type="reading.completed",
                user=user_of(mali),
                occurred_at=timezone.now(),
            )
        assert the_case().numbers.events == 1


class TestPage:
    def test_a_case_is_told_with_both_sides(self, reviewer: Client, mali: Person) -> None:
        shown = page(reviewer)

        assert "1 attribution waits to be decided." in shown
        assert "Mali (user_mali) invited by Nok (user_nok)" in shown
        assert "The e-mail address is of a disposable domain." in shown
        assert "to Mali (user_mali), at once" in shown
        for user in (user_of(mali), User.objects.get(clerk_id="user_nok")):
            assert f"/admin/accounts/user/{user.pk}/change/" in shown
        assert f"{LIST}{attribution_of(mali).pk}/change/" in shown

    def test_e_mail_is_masked_unless_they_may_see_personal_data(
        self, reviewer: Client, mali: Person
    ) -> None:
        assert "mali.smith" not in page(reviewer)
        assert "m•••@m•••.com" in page(reviewer)

        superuser = Client()
        superuser.force_login(User.objects.create_superuser("root", "secret"))
        assert "mali.smith@mailinator.com" in page(superuser)

    def test_who_may_only_look_is_offered_no_decision(self, mali: Person) -> None:
        shown = page(staff("view_attribution"))

        assert "Mali (user_mali)" in shown
        assert 'name="case"' not in shown
        assert 'name="decision"' not in shown

    def test_who_may_not_even_look_sees_nothing(self, mali: Person) -> None:
        somebody = staff("view_program", "decide_attribution")

        assert somebody.get(QUEUE).status_code == 403
        assert show(somebody, "approve", attribution_of(mali)).status_code == 403

    def test_who_may_only_look_decides_nothing(self, mali: Person) -> None:
        viewer = staff("view_attribution")

        assert show(viewer, "approve", attribution_of(mali)).status_code == 403
        assert show(viewer, "approve", attribution_of(mali), confirm="yes").status_code == 403
        assert attribution_of(mali).status == Status.HELD

    def test_it_is_found_from_the_list_with_the_number_waiting(
        self, reviewer: Client, mali: Person
    ) -> None:
        shown = reviewer.get(LIST).content.decode()

        assert f'<a href="{QUEUE}">Held queue (1)</a>' in shown

    def test_an_empty_queue_says_so(self, reviewer: Client) -> None:
        assert "the queue is empty" in page(reviewer)

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"waiting": "review"}, {"user_mali", "user_fah"}),
            ({"waiting": "age"}, {"user_dao", "user_fah"}),
            ({"rule": "mailbox_is_lasting"}, {"user_mali", "user_fah"}),
            ({"rule": "account_is_new"}, {"user_dao", "user_fah"}),
            ({"rule": "devices_differ"}, set()),
            ({"rule": "account_is_new", "waiting": "review"}, {"user_fah"}),
            ({"rule": "'; DROP", "waiting": "Godot"}, {"user_mali", "user_dao", "user_fah"}),
        ],
    )
    def test_it_is_filtered_by_what_is_waited_for_and_by_rule(
        self,
        reviewer: Client,
        mali: Person,
        noks_code: str,
        asked: dict[str, str],
        found: set[str],
    ) -> None:
        for guest in (
            Person("user_dao", {"first_name": "Dao", "email": "dao@example.com"}),
            Person("user_fah", {"first_name": "Fah", "email": "fah@mailinator.com"}),
        ):
            invited(guest, noks_code)

        cases = reviewer.get(QUEUE, asked).context["cases"]

        assert {shown.referee.user.clerk_id for shown in cases} == found

    def test_pages_follow_each_other_the_oldest_first_none_twice(self, reviewer: Client) -> None:
        at = timezone.now() - timedelta(days=1)
        made = AttributionFactory.create_batch(30, claimed_at=at)  # all at one moment
        made += [AttributionFactory(claimed_at=at + timedelta(hours=hour)) for hour in (2, 1)]

        first = reviewer.get(QUEUE).context
        asked: dict[str, Any] = {
            k: v[0] for k, v in parse_qs(urlsplit(first["next_page"]).query).items()
        }
        second = reviewer.get(QUEUE, asked).context
        shown = [case.case.attribution for page in (first, second) for case in page["cases"]]

        assert (len(first["cases"]), len(second["cases"]), second["next_page"]) == (25, 7, "")
        assert [a.pk for a in shown] == [
            a.pk for a in sorted(made, key=lambda a: (a.claimed_at, a.pk))
        ]

    @pytest.mark.parametrize("after", ["nonsense", "2026-01-01,x", "2026-13-01T00:00:00Z,0", ","])
    def test_a_mangled_address_begins_at_the_beginning(
        self, reviewer: Client, mali: Person, after: str
    ) -> None:
        assert "user_mali" in page(reviewer, after=after)

    def test_it_costs_the_same_however_many_wait(self, reviewer: Client, mali: Person) -> None:
        def cost(**asked: str) -> int:
            with statements() as sent:
                page(reviewer, **asked)
            return len(sent)

        few = cost()
        AttributionFactory.create_batch(12)

        assert cost() == few <= 13
        assert cost(rule="mailbox_is_lasting") <= few


class TestDecide:
    def test_what_it_pays_is_shown_and_nothing_is_done_yet(
        self, reviewer: Client, mali: Person, back_end: BackEnd
    ) -> None:
        back_end.report(mali)
        before = Transaction.objects.count()

        shown = show(reviewer, "approve", attribution_of(mali))

        effect = shown.context["effect"]
        lines = [(line.who, line.currency, line.amount) for line in effect.lines]
        assert ("Mali (user_mali)", "Stars", 1) in lines
        assert ("Nok (user_nok)", "Coins", 50) in lines
        changes = {(b.who, b.currency): (b.before, b.after) for b in effect.balances}
        assert changes[("Nok (user_nok)", "Coins")] == (0, 50)
        assert attribution_of(mali).status == Status.HELD
        assert Transaction.objects.count() == before
        assert LogEntry.objects.count() == 0

    def test_it_is_done_as_shown_with_the_reason_and_logged(
        self, reviewer: Client, mali: Person
    ) -> None:
        response = confirm(reviewer, show(reviewer, "approve", attribution_of(mali)))

        assert "1 attribution was approved." in response.content.decode()
        assert response.redirect_chain[-1][0] == QUEUE
        attribution = attribution_of(mali)
        last = attribution.timeline.last()
        assert last is not None
        assert (last.to_status, last.actor, last.reason) == (
            *(Status.PENDING, "staff:aree", "Known to us"),
        )
        assert balances(mali).stars == 1
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.change_message) == (
            *(str(attribution.pk), "Approved: Known to us"),
        )

    def test_one_that_takes_many_steps_is_still_one(
        self, reviewer: Client, mali: Person, back_end: BackEnd
    ) -> None:
        back_end.report(mali)

        response = confirm(reviewer, show(reviewer, "approve", attribution_of(mali)))

        assert attribution_of(mali).status == Status.REWARDED
        assert "1 attribution was approved." in response.content.decode()
        assert LogEntry.objects.count() == 1

    def test_many_are_rejected_at_once_each_logged(
        self, reviewer: Client, mali: Person, noks_code: str
    ) -> None:
        dao = newcomer("Dao", email="dao@mailinator.com")
        invited(dao, noks_code)
        both = [attribution_of(mali), attribution_of(dao)]

        response = confirm(reviewer, show(reviewer, "reject", *both))

        assert "2 attributions were rejected." in response.content.decode()
        assert {attribution_of(p).status for p in (mali, dao)} == {Status.REJECTED}
        assert LogEntry.objects.count() == 2
        assert (balances(mali).stars, balances(dao).stars) == (0, 0)

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_no_reason_no_decision(self, reviewer: Client, mali: Person, reason: str) -> None:
        shown = show(reviewer, "approve", attribution_of(mali), reason=reason)
        assert "This field is required." in shown.content.decode()

        again = confirm(reviewer, shown, reason=reason)

        assert "This field is required." in again.content.decode()
        assert attribution_of(mali).status == Status.HELD

    def test_nothing_is_done_unseen(self, reviewer: Client, mali: Person) -> None:
        response = show(reviewer, "approve", attribution_of(mali), confirm="yes")

        assert response.context["is_stale"]
        assert attribution_of(mali).status == Status.HELD

    def test_what_has_changed_meanwhile_is_shown_anew(
        self, reviewer: Client, mali: Person, back_end: BackEnd
    ) -> None:
        shown = show(reviewer, "approve", attribution_of(mali))
        back_end.report(mali)  # now Nok would be paid too

        stale = confirm(reviewer, shown)

        assert "meanwhile something has changed" in stale.content.decode()
        assert attribution_of(mali).status == Status.HELD
        assert LogEntry.objects.count() == 0
        confirm(reviewer, stale)
        assert attribution_of(mali).status == Status.REWARDED

    def test_what_somebody_else_has_decided_is_left_out(
        self, reviewer: Client, mali: Person, noks_code: str
    ) -> None:
        dao = newcomer("Dao", email="dao@mailinator.com")
        invited(dao, noks_code)
        shown = show(reviewer, "approve", attribution_of(mali), attribution_of(dao))
        reject_attribution(
            attribution=attribution_of(mali), actor="staff:x", reason="No", now=timezone.now()
        )

        stale = confirm(reviewer, shown)
        assert "left out. It is rejected" in stale.content.decode()
        response = confirm(reviewer, stale)

        assert "1 attribution was approved." in response.content.decode()
        assert (attribution_of(mali).status, attribution_of(dao).status) == (
            *(Status.REJECTED, Status.PENDING),
        )
        assert LogEntry.objects.get().object_id == str(attribution_of(dao).pk)

    def test_somebody_erased_cannot_be_approved_and_there_is_nothing_to_confirm(
        self, reviewer: Client, mali: Person
    ) -> None:
        attribution = attribution_of(mali)
        erase_user(clerk_id=mali.clerk_id, now=timezone.now())

        shown = show(reviewer, "approve", attribution)

        assert "None of what was chosen can be decided like this." in shown.content.decode()
        assert 'name="confirm"' not in shown.content.decode()

    def test_nothing_chosen_leads_back_with_a_word(self, reviewer: Client, mali: Person) -> None:
        response = reviewer.post(
            DECIDE, {"decision": "approve", "reason": "x", "back": QUEUE}, follow=True
        )

        assert response.redirect_chain[-1][0] == QUEUE
        assert "Choose between 1 and 100 at once." in response.content.decode()

    def test_more_than_a_page_can_show_is_not_taken(self, reviewer: Client) -> None:
        many = AttributionFactory.create_batch(101)

        response = show(reviewer, "reject", *many)

        assert response.status_code == 302
        assert set(Attribution.objects.values_list("status", flat=True)) == {Status.HELD}

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", ""])
    def test_it_leads_back_to_nobody_elses_pages(
        self, reviewer: Client, mali: Person, back: str
    ) -> None:
        shown = show(reviewer, "reject", attribution_of(mali), back=back)

        assert shown.context["back"] == LIST

    @pytest.mark.parametrize("asked", [{"decision": "burn"}, {}])
    def test_other_decisions_there_are_not(self, reviewer: Client, asked: dict[str, str]) -> None:
        assert reviewer.post(DECIDE, asked).status_code == 404

    def test_a_link_to_it_leads_to_the_list(self, reviewer: Client) -> None:
        assert reviewer.get(DECIDE).headers["Location"] == LIST

    def test_its_cost_grows_by_what_is_done_alone(
        self, reviewer: Client, mali: Person, noks_code: str
    ) -> None:
        """Two rejections cost a few statements more than one, for no page reads row by row."""
        dao = newcomer("Dao", email="dao@mailinator.com")
        invited(dao, noks_code)

        def cost(*attributions: Attribution) -> int:
            with statements() as sent:
                show(reviewer, "reject", *attributions)
            return len(sent)

        one, two = cost(attribution_of(mali)), cost(attribution_of(mali), attribution_of(dao))

        assert two - one <= 4


class TestReverseMany:
    @pytest.fixture
    def rewarded(self, noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
        invited(ploy, noks_code)
        back_end.report(ploy)
        return attribution_of(ploy)

    @pytest.fixture
    def operator(self, db: Any) -> Client:
        return staff("view_attribution", "reverse_attribution")

    def test_both_rewards_are_taken_back_of_those_that_can_be(
        self, operator: Client, rewarded: Attribution, mali: Person, nok: Person
    ) -> None:
        shown = show(operator, "reverse", rewarded, attribution_of(mali))
        assert "left out. It is held" in shown.content.decode()

        confirm(operator, shown)

        rewarded.refresh_from_db()
        assert rewarded.status == Status.REVERSED
        assert attribution_of(mali).status == Status.HELD
        assert balances(nok) == Amounts(free_points=3)

    def test_what_was_spent_is_left_out_unless_the_rest_is_clawed_back(
        self, operator: Client, rewarded: Attribution, nok: Person
    ) -> None:
        exchange = {"from": "coins", "to": "stars", "units": 1}
        headers = {"Idempotency-Key": "x"}
        spent = Browser().sign_in(nok).post("rewards/exchange", exchange, **headers)
        assert spent.status_code == 201

        shown = show(operator, "reverse", rewarded)
        assert "left out. There is not enough on the balance." in shown.content.decode()
        assert shown.context["moved"] == []

        again = show(operator, "reverse", rewarded, claw_back="on")
        assert again.context["moved"] == [rewarded]
        confirm(operator, again, claw_back="on")

        rewarded.refresh_from_db()
        assert rewarded.status == Status.REVERSED
        assert balances(nok).coins == 0

    def test_a_refusal_leaves_nothing_of_its_attempt(
        self, operator: Client, rewarded: Attribution, nok: Person, ploy: Person, noks_code: str
    ) -> None:
        """Of two, the one that is refused after its first step moves nothing on the ledger."""
        dao = newcomer("Dao")
        invited(dao, noks_code)
        Browser().sign_in(nok).post(
            *("rewards/exchange", {"from": "coins", "to": "stars", "units": 1}),
            **{"Idempotency-Key": "x"},
        )

        confirm(operator, show(operator, "reverse", rewarded, attribution_of(dao)))

        assert attribution_of(dao).status == Status.REVERSED
        assert attribution_of(ploy).status == Status.REWARDED
        assert balances(ploy).stars == 1

    def test_deciding_is_another_right_than_reversing(self, operator: Client, mali: Person) -> None:
        assert show(operator, "approve", attribution_of(mali)).status_code == 403
