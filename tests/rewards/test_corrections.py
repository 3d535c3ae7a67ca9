"""What staff put right on the ledger: by the verbs, told as their effects."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from accounts.services import erase_user
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from rewards.amounts import Amounts
from rewards.models import Account, Entry, GrantRequest, Transaction
from rewards.services import (
    AlreadyReversed,
    InsufficientBalance,
    UserGone,
    balances_of,
    grant,
    reverse_transaction,
    spend,
)
from rewards.services.corrections import AlreadyDone, grant_by_hand, reverse, take_back
from tests.people import Browser, Person
from tests.rewards.conftest import NOW
from tests.rewards.staff import make_staff

pytestmark = pytest.mark.django_db

Give = Callable[..., Transaction]
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def aree(db: Any) -> User:
    return make_staff("aree")


@pytest.fixture
def ploy(ploys_id: int) -> User:
    return User.objects.get(pk=ploys_id)


def by_aree(**more: Any) -> dict[str, Any]:
    return {"actor": "staff:aree", "reason": "Complaint 17", "now": LATER, **more}


def hand(**amounts: Any) -> dict[str, Any]:
    return by_aree(nonce=uuid7(), **amounts)


def newest() -> Transaction:
    return Transaction.objects.order_by("created_at", "id").reverse()[0]


def spend_coins(ploy: User, amount: int) -> None:
    spend(
        user_id=ploy.pk, amount=amount, order=["coins"], reason="r", key=f"s{uuid7()}", actor="a",
        now=NOW,
    )  # fmt: skip


def test_a_grant_by_hand_says_why_to_staff_and_something_neutral_to_the_person(ploy: User) -> None:
    effect = grant_by_hand(ploy, **hand(stars=3, coins=50))

    assert balances_of(ploy.pk) == Amounts(stars=3, coins=50)
    made = newest()
    assert (made.kind, made.actor, made.note) == ("grant", "staff:aree", "Complaint 17")
    assert made.memo == "Added by our support team"
    assert effect.moves == ()
    assert {(line.account, line.currency, line.amount) for line in effect.lines} == {
        ("their own", "Stars", 3),
        ("the house: issued", "Stars", -3),
        ("their own", "Coins", 50),
        ("the house: issued", "Coins", -50),
    }
    assert [(b.currency, b.before, b.after) for b in effect.balances] == [
        ("Coins", 0, 50),
        ("Stars", 0, 3),
    ]


def test_the_note_is_shown_to_nobody_over_the_api(ploy: User) -> None:
    grant_by_hand(ploy, **hand(stars=3))
    take_back(ploy, **hand(stars=1))
    reverse(newest(), **by_aree())

    listed = Browser().sign_in(Person("user_ploy")).get("rewards/transactions").content.decode()

    assert listed.count("support team") == 3
    assert "Complaint 17" not in listed
    assert "note" not in listed


def test_the_note_is_no_part_of_what_a_key_stands_for(ploy: User) -> None:
    given: dict[str, Any] = {"user_id": ploy.pk, "amounts": Amounts(1), "kind": "k", "key": "k"}
    first = grant(**given, note="One", now=NOW)
    again = grant(**given, note="Two", now=LATER)

    assert again == first
    assert again.note == "One"


def test_one_form_grants_once(ploy: User) -> None:
    form = hand(coins=5)
    grant_by_hand(ploy, **form)
    for coins in (5, 6):
        with pytest.raises(AlreadyDone):
            grant_by_hand(ploy, **{**form, "coins": coins})
    with pytest.raises(AlreadyDone):
        take_back(ploy, **form)

    assert balances_of(ploy.pk) == Amounts(coins=5)


@pytest.mark.parametrize("gone", ["banned_at", "deleted_at"])
def test_whoever_is_gone_is_given_nothing(ploy: User, gone: str) -> None:
    User.objects.filter(pk=ploy.pk).update(**{gone: NOW, "first_name": ""})
    with pytest.raises(UserGone):
        grant_by_hand(ploy, **hand(coins=5))


@pytest.mark.parametrize("amounts", [{}, {"coins": -1}, {"coins": -1, "stars": 2}])
def test_a_grant_gives_something_and_takes_nothing(ploy: User, amounts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="gives something"):
        grant_by_hand(ploy, **hand(**amounts))


def test_what_is_taken_back_goes_to_the_house(ploy: User, give: Give) -> None:
    give(coins=8, stars=1)

    effect = take_back(ploy, **hand(coins=5))

    assert balances_of(ploy.pk) == Amounts(coins=3, stars=1)
    made = newest()
    assert (made.kind, made.memo, made.note) == (
        "take_back",
        "Taken back by our support team",
        "Complaint 17",
    )
    assert made.entries.get(house=Account.CLAWED_BACK).amount == 5
    assert [(b.currency, b.before, b.after) for b in effect.balances] == [("Coins", 8, 3)]


def test_more_than_there_is_is_not_taken_back(ploy: User, give: Give) -> None:
    give(coins=8, stars=1)
    with pytest.raises(InsufficientBalance, match="which is: 1 star and 8 coins"):
        take_back(ploy, **hand(coins=9))
    assert balances_of(ploy.pk) == Amounts(coins=8, stars=1)


def test_what_is_left_is_taken_back_if_asked_for_and_the_shortfall_told(
    ploy: User, give: Give
) -> None:
    give(coins=8, stars=1)

    effect = take_back(ploy, **hand(coins=9, stars=1, exp=2, what_is_left=True))

    assert not balances_of(ploy.pk)
    assert effect.moves == (
        "Shortfall: Ploy (user_ploy) lacks 1 coin and 2 experience points of it.",
    )


def test_from_nothing_nothing_is_taken(ploy: User, give: Give) -> None:
    give(stars=1)
    with pytest.raises(InsufficientBalance):
        take_back(ploy, **hand(coins=9, what_is_left=True))


@pytest.mark.parametrize("times", [1, 2, 3, 6])
def test_a_transaction_its_reversal_and_theirs_are_reversed_for_ever(
    ploy: User, give: Give, times: int
) -> None:
    last = give(coins=5)
    for _ in range(times):
        effect = reverse(last, **by_aree())
        last = Transaction.objects.get(reverses=last)

    assert balances_of(ploy.pk) == Amounts(coins=0 if times % 2 else 5)
    assert (last.memo, last.note) == ("Corrected by our support team", "Complaint 17")
    assert effect.moves == ()


def test_a_transaction_is_reversed_once(give: Give) -> None:
    given = give(coins=5)
    reverse(given, **by_aree())
    for claw_back in (False, True):
        with pytest.raises(AlreadyReversed):
            reverse(given, **by_aree(claw_back=claw_back))


def test_what_a_service_has_reversed_is_not_reversed_again(give: Give) -> None:
    given = give(coins=5)
    reverse_transaction(transaction=given, reason="r", key="r", actor="key:1", now=NOW)
    with pytest.raises(AlreadyReversed):
        reverse(given, **by_aree())


def test_what_is_spent_is_reversed_only_with_a_claw_back(ploy: User, give: Give) -> None:
    given = give(coins=5)
    spend_coins(ploy, 3)
    with pytest.raises(InsufficientBalance):
        reverse(given, **by_aree())

    effect = reverse(given, **by_aree(claw_back=True))

    assert effect.moves == ("Shortfall: Ploy (user_ploy) lacks 3 coins of it.",)
    assert not balances_of(ploy.pk)
    assert newest().entries.get(house=Account.CLAWED_BACK).amount == -3


def test_a_grant_by_hand_is_corrected_by_reversing_it(ploy: User) -> None:
    grant_by_hand(ploy, **hand(coins=5))
    reverse(newest(), **by_aree())
    assert not balances_of(ploy.pk)


def test_what_was_taken_back_is_given_back_by_reversing_that(ploy: User, give: Give) -> None:
    give(coins=8)
    take_back(ploy, **hand(coins=9, what_is_left=True))
    reverse(newest(), **by_aree())
    assert balances_of(ploy.pk) == Amounts(coins=8)
    assert not sum(e.amount for e in Entry.objects.filter(house=Account.CLAWED_BACK))


def test_what_was_given_back_and_spent_cannot_be_taken_back_again(ploy: User, give: Give) -> None:
    """Both its lines would be on `clawed_back`, and cancel: nothing would move."""
    give(coins=9)
    take_back(ploy, **hand(coins=9))
    reverse(newest(), **by_aree())
    given_back = newest()
    spend_coins(ploy, 9)

    with pytest.raises(InsufficientBalance):
        reverse(given_back, **by_aree(), claw_back=True)


def test_a_claw_back_is_corrected_by_reversing_it(ploy: User, give: Give) -> None:
    given = give(coins=5)
    spend_coins(ploy, 3)
    reverse(given, **by_aree(claw_back=True))
    reverse(newest(), **by_aree(now=LATER + timedelta(hours=1)))
    assert balances_of(ploy.pk) == Amounts(coins=2)
    assert not sum(e.amount for e in Entry.objects.filter(house=Account.CLAWED_BACK))


CORRECTIONS: dict[str, Callable[[User, Transaction, dict[str, Any]], Any]] = {
    "grant": lambda ploy, _, more: grant_by_hand(ploy, **more, nonce=NONCE, coins=5),
    "large grant": lambda ploy, _, more: grant_by_hand(ploy, **more, nonce=NONCE, coins=5000),
    "take back": lambda ploy, _, more: take_back(ploy, **more, nonce=NONCE, coins=4),
    "take back what is left": lambda ploy, _, more: take_back(
        ploy, **more, nonce=NONCE, coins=400, what_is_left=True
    ),
    "reverse": lambda _, given, more: reverse(given, **more),
    "claw back": lambda _, given, more: reverse(given, **more, claw_back=True),
}
NONCE = uuid7()


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_preview_leaves_nothing_and_is_what_is_done(name: str, ploy: User, give: Give) -> None:
    given = give(coins=8)
    if name == "claw back":
        spend_coins(ploy, 3)
    before = balances_of(ploy.pk), Transaction.objects.count()

    shown = rehearse(lambda: CORRECTIONS[name](ploy, given, by_aree()))

    assert (balances_of(ploy.pk), Transaction.objects.count()) == before
    assert not GrantRequest.objects.exists()
    at = timezone.now()
    done = carry_out(lambda: CORRECTIONS[name](ploy, given, by_aree(now=at)), seen=shown.digest)
    assert done == shown
    posted = Entry.objects.filter(transaction__created_at=at)
    assert sorted(line.amount for line in shown.lines) == sorted(e.amount for e in posted)


@pytest.mark.parametrize("name", sorted(CORRECTIONS.keys() - {"large grant"}))
def test_a_preview_is_stale_once_a_balance_has_moved(name: str, ploy: User, give: Give) -> None:
    given = give(coins=8)
    shown = rehearse(lambda: CORRECTIONS[name](ploy, given, by_aree()))
    give(coins=1)
    count = Transaction.objects.count()

    with pytest.raises(PreviewStale) as stale:
        carry_out(lambda: CORRECTIONS[name](ploy, given, by_aree()), seen=shown.digest)

    assert stale.value.effect != shown
    assert Transaction.objects.count() == count


def test_nothing_is_given_back_to_somebody_erased(ploy: User, give: Give) -> None:
    give(coins=8)
    spend_coins(ploy, 3)
    spent = newest()
    erase_user(clerk_id=str(ploy.clerk_id), now=NOW)

    for taken in (spent, Transaction.objects.get(kind="forfeit")):
        with pytest.raises(UserGone, match="erased"):
            reverse(taken, **by_aree(claw_back=True))

    assert balances_of(ploy.pk) == Amounts()


def test_what_somebody_erased_was_given_can_still_be_taken_back(ploy: User, give: Give) -> None:
    given = give(coins=8)
    erase_user(clerk_id=str(ploy.clerk_id), now=NOW)

    reverse(given, **by_aree(claw_back=True))
    reverse(newest(), **by_aree())

    assert balances_of(ploy.pk) == Amounts()
