"""An import that is repeated, stopped, killed, or started twice ends the same, to the last row."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction, Matter
from mimivibes.maintenance.runs import recorded_run
from mimivibes.models import CommandRun
from outbox.models import OutboxMessage
from referrals.models import Attribution, QualifyingEvent, ReferralCode, TimelineEntry
from referrals.services.proof import verify_attributions
from rewards.amounts import Amounts
from rewards.models import Entry, Transaction
from rewards.services import verify_ledger
from tests.commands import kill, run, started
from tests.legacy.old_world import OldWorld
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
