"""An import that is repeated, stopped, killed, or started twice ends the same, to the last row."""

from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from mimivibes.legacy import people
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction, Matter
from mimivibes.maintenance.runs import recorded_run
from mimivibes.models import CommandRun
from outbox.models import OutboxMessage
from referrals.models import Attribution, QualifyingEvent, ReferralCode, TimelineEntry
from referrals.services import corrections
from referrals.services.proof import verify_attributions
from rewards.amounts import Amounts
from rewards.models import Entry, Transaction
from rewards.services import balances_of, reverse_transaction, spend, verify_ledger
from tests.commands import kill, run, started
from tests.legacy.old_world import OldWorld
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = "import_legacy"
TABLES = (
    User, ReferralCode, Attribution, TimelineEntry, QualifyingEvent, Transaction, Entry,
    LegacyAccount, LegacyTransaction, Matter,
)  # fmt: skip


def everything() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in TABLES}


def what_matters() -> dict[str, Any]:
    """Return what must come out alike however the import went: all but times and row ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.clerk_id, b.currency, b.amount FROM rewards_balance b"
            " JOIN accounts_user u ON u.id = b.user_id ORDER BY 1, 2"
        )
        balances = cursor.fetchall()
    attributions = Attribution.objects.order_by("pk").values_list(
        "pk", "referee__clerk_id", "referrer__clerk_id", "status", "claimed_at", "rewarded_at"
    )
    return {"rows": everything(), "balances": balances, "attributions": list(attributions)}


def is_proved() -> bool:
    return not verify_ledger() and not verify_attributions()


def test_a_dry_run_tells_the_same_and_changes_nothing(source: str, world: OldWorld) -> None:
    before = everything()

    told = run(COMMAND, "--source", source)

    assert everything() == before
    done = run(COMMAND, "--source", source, "--apply")
    assert told["applied"] is False
    for part in ("quirks", "old_ledger", "settings"):
        assert told[part] == done[part]
    assert told["balances"]["opened"] == done["balances"]["opened"]
    assert told["rows"]["people"] == done["rows"]["people"]
    assert told["rows"]["invitations"] == done["rows"]["invitations"]
    assert told["to_settle"] == done["to_settle"]
    del done["rows"]["codes"]["given to people without"]  # who will lack one is not known before
    assert told["rows"]["codes"] == done["rows"]["codes"]


def test_the_web_app_is_told_nothing_of_what_was_there_before(source: str, settings: Any) -> None:
    settings.SVIX_TOKEN = "testsk_outbox"

    run(COMMAND, "--source", source, "--apply")

    assert Attribution.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_second_run_changes_nothing(source: str) -> None:
    run(COMMAND, "--source", source, "--apply")
    first = what_matters()

    again = run(COMMAND, "--source", source, "--apply")

    assert what_matters() == first
    assert "new" not in again["rows"]["people"]
    assert again["rows"]["readings"]["new"] == 0
    assert again["is_sound"]
    assert is_proved()


def test_a_killed_run_is_taken_up_and_ends_the_same(source: str) -> None:
    process = started(COMMAND, "--source", source, "--apply", "--batch-size", "3")
    until(LegacyAccount.objects.exists, process)
    with pytest.raises(CommandError, match="runs already"):
        call_command(COMMAND, "--source", source, "--apply")
    kill(process)
    came_over = LegacyAccount.objects.count()
    assert is_proved()

    report = run(COMMAND, "--source", source, "--apply")

    assert 0 < came_over < report["rows"]["people"]["read"]
    assert report["rows"]["people"]["here already"] == came_over
    assert report["is_sound"]
    assert is_proved()
    assert report["balances"]["not_followed"] == Amounts().as_dict()
    assert list(CommandRun.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "killed",
        "done",
    ]


def test_it_stops_in_time_says_that_it_is_not_complete_and_goes_on(source: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_command(
            COMMAND, "--source", source, "--apply", "--batch-size", "1", "--max-seconds", "1"
        )

    assert stopped.value.code == 75
    assert CommandRun.objects.get().report["is_complete"] is False
    assert run(COMMAND, "--source", source, "--apply")["is_complete"]
    assert is_proved()


def test_two_at_once_are_one(source: str) -> None:
    with (
        recorded_run(COMMAND, is_dry=False, now=timezone.now()),
        pytest.raises(CommandError, match="runs already"),
    ):
        call_command(COMMAND, "--source", source, "--apply")

    assert not LegacyAccount.objects.exists()


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url) as there:
        for statement in statements:
            there.execute(statement)  # type: ignore[call-overload]


def test_a_later_run_brings_what_has_come_in_since(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    options = ("--source", own_source, "--apply", "--inviter-coins", "30")
    run(COMMAND, *options)
    later = OldWorld(_serial=1000)
    mali = later.person(stars=2)
    later.invite(nok, mali)
    later.read(ploy)
    later.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    later.fill(own_source)
    change(own_source, f"""UPDATE "User" SET coins = 40 WHERE id = '{nok}'""")

    report = run(COMMAND, *options)

    held = balances_of(User.objects.get(clerk_id=nok).pk)
    assert held == Amounts(coins=10)  # the change is listed, and not guessed at
    assert report["rows"]["people"]["new"] == 1
    assert report["balances"]["not_followed"]["coins"] == 30
    by_referee = {a.referee.clerk_id: a.status for a in Attribution.objects.with_names()}
    assert by_referee == {ploy: "rewarded", mali: "pending"}
    assert [matter.kind for matter in Matter.objects.all()] == ["balance_changed"]
    assert is_proved()


def test_an_inviter_who_was_paid_here_and_then_there_too_is_listed(
    own_source: str, back_end: BackEnd
) -> None:
    world = OldWorld()
    nok, ploy = world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    options = ("--source", own_source, "--apply", "--inviter-coins", "30")
    run(COMMAND, *options)
    back_end.report(ploy)
    later = OldWorld(_serial=1000)
    later.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    later.fill(own_source)

    run(COMMAND, *options)

    assert Matter.objects.get().kind == "paid_here_too"
    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=30)
    assert is_proved()


def test_balances_that_changed_there_are_followed_if_asked_to(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person(stars=5)
    world.load(own_source)
    options = ("--source", own_source, "--apply", "--inviter-coins", "30")
    run(COMMAND, *options)
    change(
        own_source,
        f"""UPDATE "User" SET coins = 45 WHERE id = '{nok}'""",
        f"""UPDATE "User" SET stars = 2, exp = 9 WHERE id = '{ploy}'""",
    )

    for _ in range(2):
        report = run(COMMAND, *options, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=45)
    assert balances_of(User.objects.get(clerk_id=ploy).pk) == Amounts(stars=2, exp=9)
    assert report["balances"]["on_ledger"] == report["balances"]["before"]
    assert report["is_sound"]
    assert is_proved()


def test_a_balance_that_fell_there_and_is_spent_here_is_listed(
    own_source: str,
) -> None:
    world = OldWorld()
    nok = world.person(stars=5)
    world.load(own_source)
    options = ("--source", own_source, "--apply", "--inviter-coins", "30")
    run(COMMAND, *options)
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

    report = run(COMMAND, *options, "--follow-balances")

    assert Matter.objects.get().kind == "balance_spent"
    assert report["balances"]["not_followed"]["stars"] == -5
    assert report["is_sound"]
    assert is_proved()


OPTIONS = ("--apply", "--inviter-coins", "30")


def test_who_is_not_there_any_more_is_accounted_for_and_listed(own_source: str) -> None:
    world = OldWorld()
    nok, ploy = world.person(coins=10), world.person(stars=5)
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    change(own_source, f"""DELETE FROM "User" WHERE id = '{nok}'""")

    report = run(COMMAND, "--source", own_source, *OPTIONS)

    assert report["is_sound"]
    assert report["balances"]["before"] == Amounts(stars=5).as_dict()
    assert report["balances"]["vanished"] == Amounts(coins=-10).as_dict()
    assert report["balances"]["on_ledger"] == Amounts(coins=10, stars=5).as_dict()
    assert [(m.kind, m.subject) for m in Matter.objects.all()] == [("gone_there", nok)]
    assert balances_of(User.objects.get(clerk_id=ploy).pk) == Amounts(stars=5)


def test_a_first_reading_that_was_rewarded_here_and_then_there_is_paid_once(
    own_source: str, back_end: BackEnd
) -> None:
    """Nok came over before she had read anything; then both systems served her."""
    world = OldWorld()
    nok = world.person()
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    back_end.report(nok)
    later = OldWorld(_serial=1000)
    later.read(nok)
    later.fill(own_source)
    change(own_source, f"""UPDATE "User" SET "freePoint" = 2 WHERE id = '{nok}'""")

    for _ in range(2):
        run(COMMAND, "--source", own_source, *OPTIONS, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(free_points=2)
    assert is_proved()


def test_a_milestone_that_both_histories_reach_after_the_first_import_is_paid_once(
    own_source: str, back_end: BackEnd
) -> None:
    world = OldWorld()
    nok = world.person()
    world.read(nok, 8)
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    back_end.report(nok)
    later = OldWorld(_serial=1000)
    later.read(nok)
    later.fill(own_source)

    for _ in range(2):
        run(COMMAND, "--source", own_source, *OPTIONS, "--follow-balances")
    back_end.report(nok)

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(coins=25)
    assert is_proved()


def test_who_is_erased_while_old_rows_are_on_their_way_leaves_nothing_in_them(
    own_source: str,
) -> None:
    world = OldWorld()
    nok = world.person()
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    later = OldWorld(_serial=1000)
    later.move(nok, "READING", metadata={"question": "Private"})
    later.fill(own_source)
    is_erased, is_brought = Event(), Event()

    def erase() -> None:
        with transaction.atomic():
            erase_user(clerk_id=nok, now=timezone.now())
            is_erased.set()
            is_brought.wait(timeout=3)  # as long as the import, unless it waits for us

    def bring() -> None:
        is_erased.wait(timeout=10)
        run(COMMAND, "--source", own_source, *OPTIONS)
        is_brought.set()

    at_once(erase, bring)

    assert LegacyTransaction.objects.get().details == {}


def test_an_erased_person_is_not_paid_by_a_balance_that_is_followed(
    own_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = OldWorld()
    nok = world.person(coins=10)
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    change(own_source, f"""UPDATE "User" SET coins = 45 WHERE id = '{nok}'""")
    look = people._gone

    def meanwhile(*args: Any) -> str:
        place = look(*args)
        erase_user(clerk_id=nok, now=timezone.now())
        return place

    monkeypatch.setattr(people, "_gone", meanwhile)
    report = run(COMMAND, "--source", own_source, *OPTIONS, "--follow-balances")

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts()  # forfeited
    assert report["balances"]["not_followed"]["coins"] == 35
    assert report["is_sound"]


def test_no_ring_is_closed_with_an_imported_invitation_that_staff_moved(own_source: str) -> None:
    """There Nok invited Ploy; staff moved Ploy to Mali; then Ploy invites Mali there."""
    world = OldWorld()
    nok, ploy, mali = world.person(), world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
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

    run(COMMAND, "--source", own_source, *OPTIONS)

    assert Matter.objects.filter(kind="ring").count() == 1
    assert [a.referee.clerk_id for a in Attribution.objects.live().with_names()] == [ploy]
    assert is_proved()


def test_what_staff_moved_and_moved_back_is_theirs_to_settle(own_source: str) -> None:
    world = OldWorld()
    nok, ploy, mali = world.person(), world.person(), world.person()
    world.invite(nok, ploy)
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
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
        run(COMMAND, "--source", own_source, *OPTIONS)

    assert [a.status for a in Attribution.objects.live()] == ["pending"]
    assert [matter.kind for matter in Matter.objects.all()] == ["attributed_here"]
    assert is_proved()


def test_what_staff_gave_back_is_not_taken_a_second_time(
    own_source: str, back_end: BackEnd
) -> None:
    world = OldWorld()
    nok = world.person()
    world.load(own_source)
    run(COMMAND, "--source", own_source, *OPTIONS)
    back_end.report(nok)
    later = OldWorld(_serial=1000)
    later.read(nok)
    later.fill(own_source)
    follow = ("--source", own_source, *OPTIONS, "--follow-balances")
    run(COMMAND, *follow)
    reverse_transaction(
        transaction=Transaction.objects.get(kind="reversal"),
        reason="There it was never paid.",
        key="given back",
        actor="staff:1",
        now=timezone.now(),
    )

    for _ in range(2):
        run(COMMAND, *follow)

    assert balances_of(User.objects.get(clerk_id=nok).pk) == Amounts(free_points=2)
    assert is_proved()


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

    run(COMMAND, "--source", own_source, *OPTIONS)

    told = [m.data.get("kind", m.type) for m in OutboxMessage.objects.order_by("sequence")]
    assert told == ["attribution.made", "referral_referee", "reversal"]
