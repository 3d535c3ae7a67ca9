"""The page of the queue: who sees what of it, filtered and in order."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from referrals.models import Status
from tests.factories import AttributionFactory
from tests.people import Person
from tests.referrals.held_queue.pages import LIST, QUEUE, page, show
from tests.referrals.story import attribution_of, invited, user_of
from tests.staff import staff
from tests.statements import statements

pytestmark = pytest.mark.django_db


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
