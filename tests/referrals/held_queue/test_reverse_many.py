"""Many are reversed at once, as they were shown."""

from typing import Any

import pytest
from django.test import Client

from referrals.models import Attribution, Status
from rewards.amounts import Amounts
from tests.people import Browser, Person, newcomer
from tests.referrals.held_queue.pages import confirm, show
from tests.referrals.story import attribution_of, balances, invited
from tests.staff import staff

pytestmark = pytest.mark.django_db


class TestReverseMany:
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
