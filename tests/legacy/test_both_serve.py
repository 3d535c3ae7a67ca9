"""Both systems serve people between one import and the next: nothing is paid or taken twice."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from mimivibes.legacy import people
from mimivibes.legacy.models import LegacyTransaction, Matter
from outbox.models import OutboxMessage
from referrals.models import Attribution, ReferralCode
from referrals.services import corrections
from referrals.services.proof import verify_attributions
from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services import balances_of, reverse_transaction, spend, verify_ledger
from tests.commands import run
from tests.legacy.old_world import OldWorld
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd

pytestmark = pytest.mark.django_db(transaction=True)


def bring(source: str, *more: str) -> dict[str, Any]:
    """Import what is there now; an invitation that is still open pays its inviter 30 coins."""
    return run("import_legacy", "--source", source, "--apply", "--inviter-coins", "30", *more)


@pytest.fixture(autouse=True)
def _is_proved_at_the_end(transactional_db: None) -> Iterator[None]:
    yield
    assert [*verify_ledger(), *verify_attributions()] == []


def read_in_both(source: str, back_end: BackEnd, *, readings_before: int = 0) -> str:
    """Give somebody who came over, and then read something here, and something there."""
    world = OldWorld()
    nok = world.person()
    world.read(nok, readings_before)
    world.load(source)
    bring(source)
    back_end.report(nok)
    later = OldWorld(_serial=1000)
    later.read(nok)
    later.fill(source)
    return nok


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url) as there:
        for statement in statements:
            there.execute(statement)  # type: ignore[call-overload]


def test_a_later_run_brings_what_has_come_in_since(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    bring(own_source)
    later = OldWorld(_serial=1000)
    mali = later.person(stars=2)
    later.invite(nok, mali)
    later.read(ploy)
    later.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    later.fill(own_source)
    change(own_source, f"""UPDATE "User" SET coins = 40 WHERE id = '{nok}'""")

    report = bring(own_source)

    held = balances_of(User.objects.get(clerk_id=nok).pk)
    assert held == Amounts(coins=10)  # the change is listed, and not guessed at
    assert report["rows"]["people"]["new"] == 1
    assert report["balances"]["not_followed"]["coins"] == 30
    by_referee = {a.referee.clerk_id: a.status for a in Attribution.objects.with_names()}
    assert by_referee == {ploy: "rewarded", mali: "pending"}
    assert [matter.kind for matter in Matter.objects.all()] == ["balance_changed"]


def test_an_inviter_who_was_paid_here_and_then_there_too_is_listed(
    own_source: str, back_end: BackEnd
) -> None:
    world = OldWorld()
    nok, ploy = world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    bring(own_source)
    back_end.report(ploy)
    later = OldWorld(_serial=1000)
    later.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    later.fill(own_source)

    bring(own_source)

    assert Matter.objects.get().kind == "paid_here_too"
    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=30)


def test_balances_that_changed_there_are_followed_if_asked_to(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person(stars=5)
    world.load(own_source)
    bring(own_source)
    change(
        own_source,
        f"""UPDATE "User" SET coins = 45 WHERE id = '{nok}'""",
        f"""UPDATE "User" SET stars = 2, exp = 9 WHERE id = '{ploy}'""",
    )

    for _ in range(2):
        report = bring(own_source, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=45)
    assert balances_of(User.objects.get(clerk_id=ploy).pk) == Amounts(stars=2, exp=9)
    assert report["balances"]["on_ledger"] == report["balances"]["before"]
    assert report["is_sound"]


def test_a_balance_that_fell_there_and_is_spent_here_is_listed(
    own_source: str,
) -> None:
    world = OldWorld()
    nok = world.person(stars=5)
    world.load(own_source)
    bring(own_source)
    spend(
        user_id=User.objects.get(clerk_id=nok).pk,
        amount=4,
        order=["stars"],
        reason="",
        key="s",
        actor="",
        now=timezone.now(),
    )
    change(own_source, f"""UPDATE "User" SET stars = 0 WHERE id = '{nok}'""")

    report = bring(own_source, "--follow-balances")

    assert Matter.objects.get().kind == "balance_spent"
    assert report["balances"]["not_followed"]["stars"] == -5
    assert report["is_sound"]


def test_who_is_not_there_any_more_is_accounted_for_and_listed(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person(stars=5)
    world.load(own_source)
    bring(own_source)
    change(own_source, f"""DELETE FROM "User" WHERE id = '{nok}'""")

    report = bring(own_source)

    assert report["is_sound"]
    assert report["balances"]["before"] == Amounts(stars=5).as_dict()
    assert report["balances"]["vanished"] == Amounts(coins=-10).as_dict()
    assert report["balances"]["on_ledger"] == Amounts(coins=10, stars=5).as_dict()
    assert [(m.kind, m.subject) for m in Matter.objects.all()] == [("gone_there", nok)]
    assert balances_of(User.objects.get(clerk_id=ploy).pk) == Amounts(stars=5)


def test_a_first_reading_that_was_rewarded_here_and_then_there_is_paid_once(
    own_source: str, back_end: BackEnd
) -> None:
    nok = read_in_both(own_source, back_end)
    change(own_source, f"""UPDATE "User" SET "freePoint" = 2 WHERE id = '{nok}'""")

    for _ in range(2):
        bring(own_source, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(free_points=2)


def test_a_milestone_that_both_histories_reach_after_the_first_import_is_paid_once(
    own_source: str, back_end: BackEnd
) -> None:
    nok = read_in_both(own_source, back_end, readings_before=8)

    for _ in range(2):
        bring(own_source, "--follow-balances")
    back_end.report(nok)

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=25)


def test_who_is_erased_while_old_rows_are_on_their_way_leaves_nothing_in_them(
    own_source: str,
) -> None:
    world = OldWorld()
    nok = world.person()
    world.load(own_source)
    bring(own_source)
    later = OldWorld(_serial=1000)
    later.move(nok, "READING", metadata={"question": "Private"})
    later.fill(own_source)
    is_erased, is_brought = Event(), Event()

    def erase() -> None:
        with transaction.atomic():
            erase_user(clerk_id=nok, now=timezone.now())
            is_erased.set()
            is_brought.wait(timeout=3)  # as long as the import, unless it waits for us

    def bring_the_rest() -> None:
        is_erased.wait(timeout=10)
        bring(own_source)
        is_brought.set()

    at_once(erase, bring_the_rest)

    assert LegacyTransaction.objects.get().details == {}


def test_an_erased_person_is_not_paid_by_a_balance_that_is_followed(
    own_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = OldWorld()
    nok = world.person(coins=10)
    world.load(own_source)
    bring(own_source)
    change(own_source, f"""UPDATE "User" SET coins = 45 WHERE id = '{nok}'""")
    look = people._gone

    def meanwhile(*args: Any) -> str:
        place = look(*args)
        erase_user(clerk_id=nok, now=timezone.now())
        return place

    monkeypatch.setattr(people, "_gone", meanwhile)
    report = bring(own_source, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts()  # forfeited
    assert report["balances"]["not_followed"]["coins"] == 35
    assert report["is_sound"]


def test_no_ring_is_closed_with_an_imported_invitation_that_staff_moved(own_source: str) -> None:
    """There Nok invited Ploy; staff moved Ploy to Mali; then Ploy invites Mali there."""
    world = OldWorld()
    nok, ploy, mali = world.person(), world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    bring(own_source)
    corrections.move_to_referrer(
        Attribution.objects.with_names().get(),
        code=ReferralCode.objects.get(owner__clerk_id=mali, is_primary=True),
        actor="staff:1",
        reason="It was Mali.",
        now=timezone.now(),
    )
    later = OldWorld(_serial=1000)
    later.invite(ploy, mali)
    later.fill(own_source)

    bring(own_source)

    assert Matter.objects.filter(kind="ring").count() == 1
    assert [a.referee.clerk_id for a in Attribution.objects.live().with_names()] == [ploy]


def test_what_staff_moved_and_moved_back_is_theirs_to_settle(own_source: str) -> None:
    world = OldWorld()
    nok, ploy, mali = world.person(), world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    bring(own_source)
    by_staff = {"actor": "staff:1", "reason": "It was Mali.", "now": timezone.now()}
    corrections.move_to_referrer(
        Attribution.objects.with_names().get(),
        code=ReferralCode.objects.get(owner__clerk_id=mali, is_primary=True),
        **by_staff,
    )
    corrections.undo_move(Attribution.objects.with_names().live().get(), **by_staff)
    later = OldWorld(_serial=1000)
    later.read(ploy)
    later.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    later.fill(own_source)

    for _ in range(2):
        bring(own_source)

    assert [a.status for a in Attribution.objects.live()] == ["pending"]
    assert [matter.kind for matter in Matter.objects.all()] == ["attributed_here"]


def test_what_staff_gave_back_is_not_taken_a_second_time(
    own_source: str, back_end: BackEnd
) -> None:
    nok = read_in_both(own_source, back_end)
    bring(own_source, "--follow-balances")
    reverse_transaction(
        transaction=Transaction.objects.get(kind="reversal"),
        reason="There it was never paid.",
        key="given back",
        actor="staff:1",
        now=timezone.now(),
    )

    for _ in range(2):
        bring(own_source, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(free_points=2)


def test_what_an_import_decides_for_somebody_who_is_here_is_told(
    own_source: str, settings: Any, noks_code: str
) -> None:
    settings.SVIX_TOKEN = "testsk_outbox"
    world = OldWorld()
    ploy = world.person(createdAt=timezone.now() - timedelta(hours=1), coins=10)
    claim = Browser().sign_in(Person(ploy)).claim(noks_code)
    assert claim.json()["attribution"]["status"] == "held"
    OutboxMessage.objects.all().delete()
    world.load(own_source)

    bring(own_source)

    told = [m.data.get("kind", m.type) for m in OutboxMessage.objects.order_by("sequence")]
    assert told == ["attribution.made", "referral_referee", "reversal"]
