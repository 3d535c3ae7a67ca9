"""Each proof of the whole ledger is kept, so that staff see when it was proved last."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from rewards.models import LedgerProof
from rewards.services import Fault, last_proof, record_proof
from tests.database import without_triggers
from tests.rewards.conftest import NOW

pytestmark = pytest.mark.django_db


def test_there_is_none_before_the_first() -> None:
    assert last_proof() is None


def test_the_command_records_a_clean_proof_and_prints_as_before(ploys_id: int) -> None:
    out = StringIO()
    call_command("verify_ledger", stdout=out)

    proof = last_proof()
    assert proof
    assert proof.is_clean
    assert (proof.fault_count, proof.faults) == (0, [])
    assert timedelta() <= timezone.now() - proof.started_at < timedelta(minutes=1)
    assert 0 < proof.seconds < 60
    assert out.getvalue() == "proven: True\nfaults found: 0\n"


@pytest.mark.breaks_the_ledger
def test_the_command_records_faults_too_and_still_exits_with_1(ploys_id: int) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rewards_balance (user_id, currency, amount) VALUES (%s, 'exp', 3)",
            [ploys_id],
        )
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_ledger", stdout=StringIO())

    assert stopped.value.code == 1
    proof = last_proof()
    assert proof
    assert proof.fault_count == 1
    assert proof.faults[0]["code"] == "balance_differs"
    assert proof.faults[0]["subject"] == f"user {ploys_id}, exp"


def test_a_proof_of_one_persons_part_is_not_recorded(ploys_id: int) -> None:
    call_command("verify_ledger", "--user", "user_ploy", stdout=StringIO())
    assert last_proof() is None


def test_the_newest_is_the_last_and_twenty_faults_are_kept() -> None:
    faults = [Fault("code", f"subject {n}", "Detail.") for n in range(25)]
    newest = record_proof(started_at=NOW, seconds=2.5, faults=faults)
    record_proof(started_at=NOW - timedelta(hours=1), seconds=1, faults=[])

    assert last_proof() == newest
    assert newest.fault_count == 25
    assert [fault["subject"] for fault in newest.faults] == [f"subject {n}" for n in range(20)]


@pytest.mark.parametrize(
    "change", ["UPDATE rewards_ledgerproof SET fault_count = 0", "DELETE FROM rewards_ledgerproof"]
)
def test_a_proof_stays_as_it_was(change: str) -> None:
    record_proof(started_at=NOW, seconds=1, faults=[])
    with (
        pytest.raises(DatabaseError, match="a proof is what it was"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ledger_proof_took_its_time", {"seconds": -1, "fault_count": 0, "faults": []}),
        ("ledger_proof_keeps_its_faults", {"seconds": 1, "fault_count": 0, "faults": [{}]}),
        ("ledger_proof_keeps_its_faults", {"seconds": 1, "fault_count": 21, "faults": [{}]}),
    ],
)
def test_a_proof_that_contradicts_itself_is_refused(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        LedgerProof.objects.create(started_at=NOW, **fields)


def test_staff_read_proofs_and_change_none() -> None:
    aree = Client()
    aree.force_login(User.objects.create_superuser("aree", "secret"))
    proof = record_proof(started_at=NOW, seconds=1.5, faults=[Fault("odd", "user 1", "<Odd>.")])
    page = f"/admin/rewards/ledgerproof/{proof.pk}/change/"

    assert "1.50 s" in aree.get("/admin/rewards/ledgerproof/").content.decode()
    assert "odd: user 1: &lt;Odd&gt;." in aree.get(page).content.decode()
    assert aree.post(page, {"fault_count": 0}).status_code == 403
    assert aree.get("/admin/rewards/ledgerproof/add/").status_code == 403
    assert aree.get(f"/admin/rewards/ledgerproof/{proof.pk}/delete/").status_code == 403
