"""Attributions in the admin: found, read with their story, decided with a reason, changed never."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    Program,
    ProgramTerms,
    QualifyingEvent,
    ReferralCode,
    Status,
    UserDevice,
)
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import AttributionFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.bulk import LIST, choose, decide
from tests.referrals.story import attribution_of, balances, invited
from tests.statements import statements

pytestmark = pytest.mark.django_db
HISTORY = (Attribution, BrowserSession, Capture, Decision, QualifyingEvent, UserDevice)


def staff(*permissions: str) -> Client:
    """Return the browser of a member of staff with these permissions of referrals."""
    aree = User.objects.create_user("aree", "secret")
    aree.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(aree)
    return client


@pytest.fixture
def aree(db: Any) -> Client:
    """A superuser's browser, signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("aree", "secret"))
    return client


@pytest.fixture
def attribution(noks_code: str, ploy: Person, back_end: BackEnd) -> Attribution:
    """Ploy by Nok, opened in a browser, claimed, and rewarded."""
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    back_end.report(ploy)
    return attribution_of(ploy)


def test_every_page_of_the_app_opens(aree: Client, attribution: Attribution) -> None:
    for model in admin.site._registry:
        if model._meta.app_label != "referrals":
            continue
        base = f"/admin/referrals/{model._meta.model_name}/"
        row = model._default_manager.first()
        assert row is not None, model
        assert aree.get(base).status_code == 200
        assert aree.get(f"{base}{row.pk}/change/").status_code == 200


def test_the_page_tells_the_story_with_its_ledger_lines(
    aree: Client, attribution: Attribution
) -> None:
    page = aree.get(f"{LIST}{attribution.pk}/change/").content.decode()

    assert f"Ploy claimed {attribution.code} of Nok (user_nok). Accepted" in page
    assert "The code is somebody else&#x27;s." in page
    assert f"Opened {attribution.code} of Nok (user_nok), before signing in." in page
    assert "Nok was given 50 coins." in page
    paid = Transaction.objects.get(idempotency_key=attribution.referrer_key)
    assert f"/admin/rewards/transaction/{paid.pk}/change/" in page


@pytest.mark.parametrize("term", ["{code}", "user_nok", "user_ploy", "Ploy", "nok@exa"])
def test_an_attribution_is_found_by_code_clerk_id_name_and_e_mail(
    aree: Client, attribution: Attribution, noks_code: str, term: str
) -> None:
    User.objects.filter(clerk_id="user_nok").update(email="nok@example.com")

    page = aree.get(LIST, {"q": term.format(code=noks_code.lower())}).content.decode()

    assert "1 result" in page
    assert str(attribution.pk) in page


def test_nobody_else_is_found(aree: Client, attribution: Attribution) -> None:
    assert "0 results" in aree.get(LIST, {"q": "mali"}).content.decode()


@pytest.mark.parametrize("model", HISTORY)
def test_what_has_happened_is_changed_at_no_address(
    aree: Client, attribution: Attribution, model: Any
) -> None:
    base = f"/admin/referrals/{model._meta.model_name}/"
    row = model.objects.first()
    before = list(model.objects.values())

    for address in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert aree.post(base + address, {"status": "held", "post": "yes"}).status_code == 403
    aree.post(base, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

    assert list(model.objects.values()) == before


def test_the_default_program_stays_the_default(aree: Client) -> None:
    """Without one nobody new could be given a code, and so nobody could sign in."""
    program = Program.objects.get()
    fields = {"name": "Bring a friend", "slug": "default", "is_active": "on"}
    terms = {"terms-TOTAL_FORMS": "0", "terms-INITIAL_FORMS": "0"}

    aree.post(f"/admin/referrals/program/{program.pk}/change/", {**fields, **terms})

    program.refresh_from_db()
    assert (program.name, program.is_default) == ("Bring a friend", True)


def test_terms_in_force_cannot_be_changed(aree: Client) -> None:
    terms = ProgramTerms.objects.get()

    response = aree.post(f"/admin/referrals/programterms/{terms.pk}/change/", {"hold_days": 9})

    assert response.status_code == 403
    assert ProgramTerms.objects.get().hold_days == 0


def test_a_code_is_switched_off_and_on(aree: Client, noks_code: str) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    base = "/admin/referrals/referralcode/"

    aree.post(base, {"action": "switch_off", "_selected_action": [code.pk]})
    assert Browser().open_link(noks_code).status_code == 404

    aree.post(base, {"action": "switch_on", "_selected_action": [code.pk]})
    assert Browser().open_link(noks_code).status_code == 201


class TestHeld:
    @pytest.fixture
    def held(self, noks_code: str) -> tuple[Person, Attribution]:
        mali = newcomer("Mali", email="mali@mailinator.com")
        invited(mali, noks_code)
        return mali, attribution_of(mali)

    def test_approval_pays_and_is_on_the_timeline(
        self, aree: Client, held: tuple[Person, Attribution]
    ) -> None:
        mali, attribution = held
        assert balances(mali).stars == 0

        assert "approved" in decide(aree, "approve", attribution, reason="Known to us")

        assert balances(mali).stars == 1
        last = attribution.timeline.last()
        assert last is not None
        assert (last.to_status, last.actor, last.reason) == (
            Status.PENDING,
            "staff:aree",
            "Known to us",
        )

    def test_rejection_pays_nobody(self, aree: Client, held: tuple[Person, Attribution]) -> None:
        mali, attribution = held

        decide(aree, "reject", attribution)

        assert attribution_of(mali).status == Status.REJECTED
        assert balances(mali).stars == 0

    def test_no_reason_no_decision(self, aree: Client, held: tuple[Person, Attribution]) -> None:
        mali, attribution = held

        assert "give a reason" in decide(aree, "approve", attribution, reason="  ")

        assert attribution_of(mali).status == Status.HELD

    def test_who_may_only_look_decides_nothing(self, held: tuple[Person, Attribution]) -> None:
        mali, attribution = held
        viewer = staff("view_attribution")

        decide(viewer, "approve", attribution)
        decide(viewer, "reverse", attribution)

        assert attribution_of(mali).status == Status.HELD

    def test_a_decision_too_late_is_told(
        self, aree: Client, held: tuple[Person, Attribution]
    ) -> None:
        _, attribution = held
        decide(aree, "reject", attribution)

        assert "It is rejected, not to be pending" in decide(aree, "approve", attribution)


def test_a_reversal_takes_both_rewards_back(
    aree: Client, attribution: Attribution, nok: Person, ploy: Person
) -> None:
    decide(aree, "reverse", attribution, reason="The same person")

    assert attribution_of(ploy).status == Status.REVERSED
    assert balances(nok) == Amounts(free_points=3)
    assert balances(ploy) == Amounts(free_points=5)


def test_a_reversal_of_what_was_spent_is_told_and_changes_nothing(
    aree: Client, attribution: Attribution, nok: Person, ploy: Person
) -> None:
    exchange = {"from": "coins", "to": "stars", "units": 1}
    spent = Browser().sign_in(nok).post("rewards/exchange", exchange, **{"Idempotency-Key": "x"})
    assert spent.status_code == 201

    page = decide(aree, "reverse", attribution)

    assert "left out. There is not enough on the balance." in page
    assert attribution_of(ploy).status == Status.REWARDED


def test_a_claw_back_takes_what_is_left_of_what_was_spent(
    aree: Client, attribution: Attribution, nok: Person, ploy: Person
) -> None:
    exchange = {"from": "coins", "to": "stars", "units": 1}
    spent = Browser().sign_in(nok).post("rewards/exchange", exchange, **{"Idempotency-Key": "x"})
    assert spent.status_code == 201

    assert "1 attribution was reversed." in decide(aree, "claw_back", attribution)

    assert attribution_of(ploy).status == Status.REVERSED
    assert balances(nok).coins == 0


@pytest.mark.parametrize("action", ["reverse", "claw_back"])
def test_an_action_of_the_list_shows_what_it_will_do_and_does_nothing(
    aree: Client, attribution: Attribution, ploy: Person, action: str
) -> None:
    shown = choose(aree, action, attribution)

    lines = {(line.who, line.amount) for line in shown.context["effect"].lines}
    assert {("user_ploy", -1), ("user_nok", -50)} <= lines
    assert shown.context["back"] == LIST
    assert attribution_of(ploy).status == Status.REWARDED


def test_lists_cost_the_same_however_long(aree: Client, attribution: Attribution) -> None:
    def cost() -> int:
        with statements() as sent:
            assert aree.get(LIST).status_code == 200
        return len(sent)

    few = cost()
    AttributionFactory.create_batch(12)

    assert cost() == few


def test_the_person_links_lead_both_ways(aree: Client, attribution: Attribution) -> None:
    page = aree.get(f"{LIST}{attribution.pk}/change/").content.decode()

    for clerk_id in ("user_nok", "user_ploy"):
        user = User.objects.get(clerk_id=clerk_id)
        assert f"/admin/accounts/user/{user.pk}/change/" in page


def test_a_reversal_is_shown_before_it_is_done(aree: Client, attribution: Attribution) -> None:
    address = f"{LIST}{attribution.pk}/reverse/"
    assert address in aree.get(f"{LIST}{attribution.pk}/change/").content.decode()

    shown = aree.post(address, {"reason": "A mistake"})
    assert "-50" in shown.content.decode()
    assert attribution_of_id(attribution).status == Status.REWARDED
    seen = shown.context["effect"].digest
    aree.post(address, {"reason": "A mistake", "seen": seen, "confirm": "yes"})

    assert attribution_of_id(attribution).status == Status.REVERSED


def attribution_of_id(attribution: Attribution) -> Attribution:
    return Attribution.objects.get(pk=attribution.pk)
