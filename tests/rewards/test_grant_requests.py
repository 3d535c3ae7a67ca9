"""A large grant by hand waits for a second person, and cannot be split into small ones."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import User
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from rewards.amounts import Amounts
from rewards.models import GrantRequest, Transaction
from rewards.services import (
    NotWaiting,
    SecondPersonNeeded,
    UserGone,
    balances_of,
    verify_ledger,
)
from rewards.services.corrections import grant_by_hand, reverse
from rewards.services.grant_requests import approve, refuse
from tests.database import without_triggers
from tests.rewards.conftest import NOW
from tests.rewards.staff import Desk, make_staff, told
from tests.statements import statements

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def aree(db: Any, settings: Any) -> User:
    settings.MANUAL_GRANT_LIMIT = 100
    return make_staff("aree")


@pytest.fixture(autouse=True)
def boonmee(db: Any) -> User:
    return make_staff("boonmee")


@pytest.fixture
def ploy(ploys_id: int) -> User:
    return User.objects.get(pk=ploys_id)


def give_by_hand(user: User, *, now: datetime = NOW, by: str = "aree", **amounts: int) -> Any:
    return grant_by_hand(
        user, actor=f"staff:{by}", reason="Complaint 17", now=now, nonce=uuid7(), **amounts
    )


def asked(user: User, **amounts: int) -> GrantRequest:
    """Let Aree ask for a large grant."""
    give_by_hand(user, **amounts or {"coins": 5000, "stars": 1})
    return GrantRequest.objects.latest("id")


def decide(verb: Callable[..., Any], request: GrantRequest, *, by: str = "boonmee") -> Any:
    return verb(request, actor=f"staff:{by}", reason="Checked", now=NOW + DAY)


def test_up_to_the_limit_of_any_currency_is_granted_at_once(ploy: User) -> None:
    give_by_hand(ploy, coins=100, stars=100, free_points=100, exp=100)
    assert balances_of(ploy.pk) == Amounts(100, 100, 100, 100)


def test_beyond_it_nothing_is_paid_and_a_request_waits(ploy: User, aree: User) -> None:
    effect = give_by_hand(ploy, coins=101, stars=1)

    assert effect.moves == (
        "1 star and 101 coins for Ploy (user_ploy): waits for a second person to approve.",
    )
    assert (effect.lines, effect.balances) == ((), ())
    assert not balances_of(ploy.pk)
    request = GrantRequest.objects.get()
    assert (request.user, request.amounts) == (ploy, Amounts(coins=101, stars=1))
    assert (request.requested_by, request.requested_at) == (aree, NOW)
    assert (request.reason, request.status) == ("Complaint 17", "waiting")


def test_small_grants_by_one_person_within_a_day_count_together(ploy: User) -> None:
    give_by_hand(ploy, coins=60)
    give_by_hand(ploy, coins=40, now=NOW + timedelta(hours=12))
    assert not GrantRequest.objects.exists()

    give_by_hand(ploy, coins=1, now=NOW + DAY - timedelta(seconds=1))
    assert GrantRequest.objects.count() == 1

    give_by_hand(ploy, coins=60, now=NOW + DAY)
    assert balances_of(ploy.pk) == Amounts(coins=160)


def test_what_was_granted_and_reversed_counts_as_well(ploy: User) -> None:
    give_by_hand(ploy, coins=60)
    reverse(Transaction.objects.get(), actor="staff:aree", reason="Typing error", now=NOW)
    give_by_hand(ploy, coins=60)
    assert GrantRequest.objects.count() == 1


def test_other_peoples_other_staffs_and_other_currencies_count_apart(ploy: User) -> None:
    mali = User.objects.create(clerk_id="user_mali")
    give_by_hand(ploy, coins=100)
    give_by_hand(ploy, stars=100)
    give_by_hand(mali, coins=100)
    give_by_hand(ploy, coins=100, by="boonmee")
    decide(approve, asked(ploy, exp=5000))
    give_by_hand(ploy, exp=100, now=NOW + DAY)
    give_by_hand(ploy, exp=100, now=NOW + DAY, by="boonmee")
    assert not GrantRequest.objects.filter(status="waiting").exists()


def test_a_second_person_approves_and_it_is_paid(ploy: User, boonmee: User) -> None:
    request = asked(ploy)

    effect = decide(approve, request)

    assert balances_of(ploy.pk) == Amounts(coins=5000, stars=1)
    assert effect.moves == (
        f"Grant request {request.pk}, 1 star and 5,000 coins for Ploy (user_ploy):"
        " waiting → approved",
    )
    assert {(b.currency, b.before, b.after) for b in effect.balances} == {
        ("Coins", 0, 5000),
        ("Stars", 0, 1),
    }
    request.refresh_from_db()
    assert (request.status, request.decided_by, request.decided_at) == (
        "approved",
        boonmee,
        NOW + DAY,
    )
    paid = request.transaction
    assert paid
    assert (paid.kind, paid.actor, paid.memo) == (
        "grant",
        "staff:boonmee",
        "Added by our support team",
    )
    assert paid.note == "Complaint 17 (staff:aree; staff:boonmee: Checked)"


def test_a_second_person_refuses_and_nothing_is_paid(ploy: User, boonmee: User) -> None:
    request = asked(ploy)

    effect = decide(refuse, request)

    assert effect.moves[0].endswith("waiting → refused")
    request.refresh_from_db()
    assert (request.status, request.decided_by, request.decision_reason, request.transaction) == (
        "refused",
        boonmee,
        "Checked",
        None,
    )
    assert not balances_of(ploy.pk)


def test_what_was_approved_is_corrected_by_reversing_it(ploy: User) -> None:
    request = asked(ploy)
    decide(approve, request)
    request.refresh_from_db()
    assert request.transaction
    reverse(request.transaction, actor="staff:aree", reason="Mistake", now=NOW)
    assert not balances_of(ploy.pk)
    assert verify_ledger() == []


@pytest.mark.parametrize("verb", [approve, refuse])
def test_nobody_decides_what_they_asked_for(ploy: User, verb: Callable[..., Any]) -> None:
    with pytest.raises(SecondPersonNeeded):
        decide(verb, asked(ploy), by="aree")


@pytest.mark.parametrize("first", [approve, refuse])
@pytest.mark.parametrize("second", [approve, refuse])
def test_a_request_is_decided_once(
    ploy: User, first: Callable[..., Any], second: Callable[..., Any]
) -> None:
    request = asked(ploy)
    decide(first, request)
    with pytest.raises(NotWaiting):
        decide(second, request)


def test_whoever_is_gone_by_then_is_given_nothing(ploy: User) -> None:
    request = asked(ploy)
    User.objects.filter(pk=ploy.pk).update(banned_at=NOW)
    with pytest.raises(UserGone):
        decide(approve, request)
    decide(refuse, request)


def test_an_approval_is_done_as_it_was_shown(ploy: User) -> None:
    request = asked(ploy)
    shown = rehearse(lambda: decide(approve, request))
    assert not balances_of(ploy.pk)
    give_by_hand(ploy, coins=1, by="boonmee")
    with pytest.raises(PreviewStale):
        carry_out(lambda: decide(approve, request), seen=shown.digest)
    shown = rehearse(lambda: decide(approve, request))
    assert carry_out(lambda: decide(approve, request), seen=shown.digest) == shown


VALID = {"coins": 5, "reason": "Why", "requested_at": NOW}
DECIDED = {"decided_at": NOW, "decision_reason": "Why"}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("grant_request_asks_for_something", {"coins": 0}),
        ("grant_request_coins_are_in_range", {"coins": -1}),
        ("grant_request_exp_are_in_range", {"exp": 1_000_000_001}),
        ("grant_request_has_a_reason", {"reason": ""}),
        ("grant_request_status_is_known", {"status": "lost", "by": "boonmee", **DECIDED}),
        (
            "grant_request_decider_is_not_requester",
            {"status": "refused", "by": "aree", **DECIDED},
        ),
        ("grant_request_decided_by_somebody_some_time", {"status": "refused"}),
        ("grant_request_decided_by_somebody_some_time", {"by": "boonmee"}),
        (
            "grant_request_decided_by_somebody_some_time",
            {"status": "refused", "by": "boonmee", "decided_at": NOW},
        ),
        (
            "grant_request_approved_has_a_transaction",
            {"status": "approved", "by": "boonmee", **DECIDED},
        ),
    ],
)
def test_the_database_refuses_a_request_that_cannot_be(
    ploy: User, aree: User, name: str, fields: dict[str, Any]
) -> None:
    fields = {**VALID, **fields}
    if by := fields.pop("by", None):
        fields["decided_by"] = User.objects.get(username=by)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        GrantRequest.objects.create(
            user=ploy,
            requested_by=aree,
            nonce=uuid7(),
            **fields,
        )
    cause: Any = error.value.__cause__
    assert cause.diag.constraint_name == name


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE rewards_grantrequest SET coins = coins * 2",
        "UPDATE rewards_grantrequest SET reason = 'Another'",
        "UPDATE rewards_grantrequest SET requested_by_id = {boonmee}",
        "DELETE FROM rewards_grantrequest",
    ],
)
def test_what_was_asked_stays_as_it_is(ploy: User, boonmee: User, sql: str) -> None:
    asked(ploy)
    with (
        pytest.raises(DatabaseError, match=r"grant request stays|refuse the request"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(boonmee=boonmee.pk))


def test_what_was_decided_stays_decided(ploy: User) -> None:
    decide(refuse, asked(ploy))
    with pytest.raises(DatabaseError, match="stays as it was asked"), transaction.atomic():
        GrantRequest.objects.update(
            status="waiting", decided_by=None, decided_at=None, decision_reason=""
        )


@pytest.mark.breaks_the_ledger
@pytest.mark.parametrize("change", ["coins = 1", "exp = 1", "user_id = {mali}"])
def test_the_proof_finds_a_request_that_was_paid_wrongly(ploy: User, change: str) -> None:
    mali = User.objects.create(clerk_id="user_mali")
    request = asked(ploy)
    decide(approve, request)
    assert verify_ledger() == []
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE rewards_grantrequest SET {change.format(mali=mali.pk)}")
    (fault,) = verify_ledger()
    assert (fault.code, fault.subject) == (
        "grant_request_paid_wrongly",
        f"grant request {request.pk}",
    )
    assert [fault] == verify_ledger(user_id=ploy.pk)


def test_the_list_begins_with_what_waits_and_says_for_how_long(ploy: User, aree: User) -> None:
    decide(refuse, asked(ploy, coins=7777))
    GrantRequest.objects.create(
        user=ploy, requested_by=aree, nonce=uuid7(), **{**VALID, "coins": 5555}
    )
    desk = Desk(aree)
    page = desk.open("/admin/rewards/grantrequest/")
    assert "5,555 coins" in page
    assert "7,777 coins" not in page
    assert "month" in page or "year" in page
    assert "7,777 coins" in desk.open("/admin/rewards/grantrequest/?status=refused")
    every = desk.open("/admin/rewards/grantrequest/?status=all&q=user_ploy")
    assert "7,777 coins" in every
    assert "5,555 coins" in every


def test_the_list_costs_the_same_however_long(ploy: User, aree: User) -> None:
    desk = Desk(aree)
    asked(ploy)
    with statements() as short:
        desk.open("/admin/rewards/grantrequest/")
    for _ in range(5):
        asked(ploy)
    with statements() as long:
        desk.open("/admin/rewards/grantrequest/")
    assert len(long) == len(short) <= 8, long


def test_it_is_approved_on_its_page_by_somebody_else(ploy: User, aree: User, boonmee: User) -> None:
    page = f"/admin/rewards/grantrequest/{asked(ploy).pk}/"
    own, other = Desk(aree), Desk(boonmee)
    assert f"{page}approve/" not in own.open(f"{page}change/")
    assert f"{page}approve/" in other.open(f"{page}change/")
    assert "Somebody else must decide this" in told(own.preview(f"{page}approve/"))

    shown = other.preview(f"{page}approve/")
    assert "+5,000" in told(shown)
    done = told(other.confirm(f"{page}approve/", shown))

    assert "waiting → approved" in done
    assert balances_of(ploy.pk) == Amounts(coins=5000, stars=1)
    paid = Transaction.objects.get()
    assert f'href="/admin/rewards/transaction/{paid.pk}/change/"' in done
    assert f"{page}refuse/" not in done
    assert f'href="{page}change/"' in other.open(f"/admin/rewards/transaction/{paid.pk}/change/")


def test_deciding_has_its_permission(ploy: User) -> None:
    page = f"/admin/rewards/grantrequest/{asked(ploy).pk}/"
    viewer = Desk(make_staff("viewer", "view_grantrequest", "grant_reward"))
    assert f"{page}approve/" not in viewer.open(f"{page}change/")
    for slug in ("approve", "refuse"):
        assert viewer.client.post(f"{page}{slug}/", {"confirm": "1"}).status_code == 403


def test_a_request_is_added_changed_and_deleted_at_no_address(ploy: User) -> None:
    boss = Desk(User.objects.create_superuser("boss", "secret"))
    page = f"/admin/rewards/grantrequest/{asked(ploy).pk}/"
    assert boss.client.post(f"{page}change/", {"coins": "1"}).status_code == 403
    assert boss.client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert boss.client.post("/admin/rewards/grantrequest/add/", VALID).status_code == 403
