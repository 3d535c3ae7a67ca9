"""Staff correct the ledger in the admin: they see what it will do, say why, and it is done."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from accounts.models import User
from accounts.services import erase_user
from rewards.amounts import Amounts
from rewards.models import GrantRequest, Transaction
from rewards.services import balances_of, grant, spend
from tests.rewards.conftest import NOW
from tests.rewards.staff import Desk, hidden, make_staff, told
from tests.statements import statements

pytestmark = pytest.mark.django_db

Give = Callable[..., Transaction]


@pytest.fixture
def aree(db: Any) -> Desk:
    return Desk(make_staff("aree"))


@pytest.fixture
def ploys_page(ploys_id: int) -> str:
    return f"/admin/accounts/user/{ploys_id}/"


def page_of(transaction: Transaction) -> str:
    return f"/admin/rewards/transaction/{transaction.pk}/"


def spend_coins(user_id: int, amount: int) -> None:
    spend(
        user_id=user_id, amount=amount, order=["coins"], reason="r", key=f"s{amount}", actor="a",
        now=NOW,
    )  # fmt: skip


def test_a_grant_is_shown_then_done_and_logged(
    aree: Desk, ploys_page: str, ploys_id: int, give: Give
) -> None:
    give(coins=5)
    assert f'href="{ploys_page}grant/"' in aree.open(f"{ploys_page}change/")
    assert "Has 5 now." in aree.open(f"{ploys_page}grant/")

    shown = aree.preview(f"{ploys_page}grant/", coins="45", stars="")

    assert balances_of(ploys_id) == Amounts(coins=5)
    for part in ("+45", "-45", "the house: issued", ">5</td>", ">50</td>"):
        assert part in told(shown)
    done = aree.confirm(f"{ploys_page}grant/", shown)
    assert done.redirect_chain == [(f"{ploys_page}change/", 302)]
    assert "Done: Grant a reward." in told(done)
    assert balances_of(ploys_id) == Amounts(coins=50)
    made = Transaction.objects.get(actor="staff:aree")
    assert made.note == "Complaint 17"
    log = LogEntry.objects.get()
    assert (log.user, log.object_id) == (aree.staff, str(ploys_id))
    assert "Grant a reward: Complaint 17" in log.change_message


def test_a_second_click_grants_nothing_more(aree: Desk, ploys_page: str, ploys_id: int) -> None:
    shown = aree.preview(f"{ploys_page}grant/", coins="45")
    aree.confirm(f"{ploys_page}grant/", shown)

    again = aree.confirm(f"{ploys_page}grant/", shown)

    assert "This has been done already." in told(again)
    assert balances_of(ploys_id) == Amounts(coins=45)
    assert LogEntry.objects.count() == 1
    aree.correct(f"{ploys_page}grant/", coins="45")
    assert balances_of(ploys_id) == Amounts(coins=90)


def test_amounts_are_taken_back(aree: Desk, ploys_page: str, ploys_id: int, give: Give) -> None:
    give(coins=5)
    shown = aree.preview(f"{ploys_page}take-back/", coins="7")
    assert "There is not enough on the balance, which is: 5 coins." in told(shown)
    assert "Confirm" not in told(shown)

    done = aree.correct(f"{ploys_page}take-back/", coins="7", what_is_left="on")

    assert "Shortfall: Ploy (user_ploy) lacks 2 coins of it." in told(done)
    assert not balances_of(ploys_id)


def test_a_transaction_is_reversed_and_the_reversal_too(
    aree: Desk, ploys_id: int, give: Give
) -> None:
    given = give(coins=5)

    done = aree.correct(f"{page_of(given)}reverse/")

    reversal = Transaction.objects.get(reverses=given)
    assert not balances_of(ploys_id)
    assert f'href="{page_of(reversal)}change/"' in told(done)
    assert "reverse/" not in told(done)
    page = aree.open(f"{page_of(reversal)}change/")
    assert f'href="{page_of(given)}change/"' in page
    assert f'href="/admin/accounts/user/{ploys_id}/change/"' in page
    assert "Complaint 17" in page
    aree.correct(f"{page_of(reversal)}reverse/")
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_what_was_spent_is_clawed_back(aree: Desk, ploys_id: int, give: Give) -> None:
    given = give(coins=5)
    spend_coins(ploys_id, 3)
    assert "There is not enough" in told(aree.preview(f"{page_of(given)}reverse/"))

    shown = aree.preview(f"{page_of(given)}reverse/", claw_back="on")

    assert "the house: clawed back" in told(shown)
    assert "Shortfall: Ploy (user_ploy) lacks 3 coins of it." in told(shown)
    aree.confirm(f"{page_of(given)}reverse/", shown)
    assert not balances_of(ploys_id)


def test_what_has_changed_since_it_was_shown_is_shown_anew_and_not_done(
    aree: Desk, ploys_page: str, ploys_id: int, give: Give
) -> None:
    give(coins=5)
    shown = aree.preview(f"{ploys_page}take-back/", coins="4", what_is_left="on")
    spend_coins(ploys_id, 3)

    stale = aree.confirm(f"{ploys_page}take-back/", shown)

    assert "Meanwhile something has changed." in told(stale)
    assert "lacks 2 coins" in told(stale)
    assert balances_of(ploys_id) == Amounts(coins=2)
    assert not LogEntry.objects.exists()
    shown.form["seen"] = hidden(told(stale), "seen")
    aree.confirm(f"{ploys_page}take-back/", shown)
    assert not balances_of(ploys_id)


def test_what_was_never_shown_is_not_done(aree: Desk, ploys_page: str, ploys_id: int) -> None:
    shown = aree.preview(f"{ploys_page}grant/", coins="5")
    as_shown = shown.form
    for change in ({"seen": ""}, {"seen": "0" * 64}, {"coins": "500"}):
        shown.form = {**as_shown, **change}
        answer = aree.confirm(f"{ploys_page}grant/", shown)
        assert "Meanwhile something has changed." in told(answer)
    assert not balances_of(ploys_id)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
@pytest.mark.parametrize("button", ["preview", "confirm"])
def test_without_a_reason_nothing_is_done(
    aree: Desk, ploys_page: str, ploys_id: int, reason: str, button: str
) -> None:
    shown = aree.preview(f"{ploys_page}grant/", coins="5")
    shown.form["reason"] = reason
    answer = aree.client.post(f"{ploys_page}grant/", {**shown.form, button: "1"})
    assert "Nothing was done." in told(answer)
    assert not balances_of(ploys_id)


@pytest.mark.parametrize("coins", ["", "0", "-1", "x", "1.5", str(10**30)])
def test_amounts_that_are_none_are_refused(
    aree: Desk, ploys_page: str, ploys_id: int, coins: str
) -> None:
    for slug in ("grant", "take-back"):
        shown = aree.preview(f"{ploys_page}{slug}/", coins=coins)
        assert "Nothing was done." in told(shown)
        assert "Confirm" not in told(shown)


def test_each_correction_has_its_permission(ploys_page: str, give: Give, ploys_id: int) -> None:
    given = give(coins=5)
    viewer = Desk(make_staff("viewer", "view_user", "view_transaction"))
    addresses = [f"{ploys_page}grant/", f"{ploys_page}take-back/", f"{page_of(given)}reverse/"]
    for page in (f"{ploys_page}change/", f"{page_of(given)}change/"):
        assert not any(address in viewer.open(page) for address in addresses)
    for address in addresses:
        assert viewer.client.get(address).status_code == 403
        assert viewer.client.post(address, {"confirm": "1"}).status_code == 403
    assert balances_of(ploys_id) == Amounts(coins=5)


def test_whoever_may_not_see_a_row_may_not_correct_it(ploys_page: str, give: Give) -> None:
    blind = Desk(make_staff("blind", "grant_reward", "correct_transaction"))
    assert blind.client.get(f"{ploys_page}grant/").status_code == 403
    assert blind.client.get(f"{page_of(give(coins=5))}reverse/").status_code == 403


def test_staff_accounts_and_whoever_is_gone_are_offered_no_grant(
    aree: Desk, ploys_page: str, ploys_id: int
) -> None:
    assert "grant/" not in aree.open(f"/admin/accounts/user/{aree.staff.pk}/change/")
    User.objects.filter(pk=ploys_id).update(banned_at=NOW)
    page = aree.open(f"{ploys_page}change/")
    assert f"{ploys_page}grant/" not in page
    assert f"{ploys_page}take-back/" in page
    erase_user(clerk_id="user_ploy", now=NOW)
    assert f"{ploys_page}take-back/" not in aree.open(f"{ploys_page}change/")


def test_a_row_that_is_not_there_is_not_found(aree: Desk, db: Any) -> None:
    assert aree.client.get("/admin/rewards/transaction/x/reverse/").status_code in (302, 404)
    assert aree.client.get("/admin/accounts/user/0/grant/").status_code in (302, 404)


def test_a_transactions_page_costs_the_same_however_long_its_chain(aree: Desk, give: Give) -> None:
    given = give(coins=5)
    with statements() as alone:
        aree.open(f"{page_of(given)}change/")
    for _ in range(4):
        aree.correct(f"{page_of(given)}reverse/")
        given = Transaction.objects.get(reverses=given)
    with statements() as chained:
        aree.open(f"{page_of(given)}change/")
    assert len(chained) <= len(alone) + 1, chained


def test_transactions_with_one_reference_are_a_click_apart(aree: Desk, ploys_id: int) -> None:
    made = grant(
        user_id=ploys_id, amounts=Amounts(1), kind="k", key="k", reference="event:7&x", now=NOW
    )
    page = aree.open(f"{page_of(made)}change/")
    assert 'href="/admin/rewards/transaction/?q=event%3A7%26x"' in page
    assert str(made.pk) in aree.open("/admin/rewards/transaction/?q=event%3A7%26x")


def test_a_large_grant_says_that_it_waits(aree: Desk, ploys_page: str, ploys_id: int) -> None:
    shown = aree.preview(f"{ploys_page}grant/", coins="5000")
    waits = "5,000 coins for Ploy (user_ploy): waits for a second person to approve."
    assert waits in told(shown)
    assert "Nothing moves on the ledger." in told(shown)
    assert shown.context["subtitle"] == "Ploy (user_ploy)"
    assert not GrantRequest.objects.exists()

    assert waits in told(aree.confirm(f"{ploys_page}grant/", shown))

    assert GrantRequest.objects.count() == 1
    again = aree.confirm(f"{ploys_page}grant/", shown)
    assert "This has been done already." in told(again)
    assert GrantRequest.objects.count() == 1
    assert not balances_of(ploys_id)
