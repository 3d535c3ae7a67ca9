"""One or many are decided as they were shown."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.services import erase_user
from referrals.models import Attribution, Status
from referrals.services import corrections
from rewards.models import Transaction
from tests.factories import AttributionFactory
from tests.people import Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.held_queue.pages import DECIDE, LIST, QUEUE, confirm, show
from tests.referrals.story import attribution_of, balances, invited
from tests.statements import statements

pytestmark = pytest.mark.django_db


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
        corrections.reject(
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
