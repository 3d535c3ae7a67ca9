"""The proof at the end of a trial finds what it is there to find.

The trial itself (`make trial`) needs a cluster; here its proof looks at the test's own database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key
from deploy.trial.load import Journal
from deploy.trial.proof import differences
from rewards.amounts import Amounts
from rewards.services import balances_of, grant_by_clerk_id
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd

pytestmark = pytest.mark.django_db(transaction=True)

READER = "user_c0reads1"


@pytest.fixture
def cluster() -> Any:
    """What the proof wants of a cluster: the way to the primary."""

    @contextmanager
    def on_primary() -> Iterator[psycopg.Connection[Any]]:
        info = {key: settings.DATABASES["default"][key] for key in ("HOST", "USER")}
        name = connection.settings_dict["NAME"]
        with psycopg.connect(host=info["HOST"], user=info["USER"], dbname=name) as opened:
            yield opened

    return SimpleNamespace(on_primary=on_primary)


@pytest.fixture
def journal(tmp_path: Path, nok: Person, noks_code: str) -> Journal:
    """A claim and a reading, as the load makes and notes them."""
    told = Journal(tmp_path / "journal.jsonl")
    claimed = Browser().sign_in(Person(READER, {"account_created_at": _now() - 60}))
    attribution = claimed.claim(noks_code).json()["attribution"]
    told.acknowledge(
        "claim", attribution["id"], person=READER, reward=attribution["referee_reward"]
    )
    _, key = create_api_key(name="web app", scopes=["events"], now=timezone.now())
    BackEnd(key).report(READER, event_id="c0-1")
    told.acknowledge("event", "c0-1", person=READER)
    return told


def faults(cluster: Any, journal: Journal, nok: Person) -> list[str]:
    return list(differences(cluster, journal, nok.clerk_id))


def test_nothing_is_wrong_with_what_was_done_as_told(
    cluster: Any, journal: Journal, nok: Person
) -> None:
    assert faults(cluster, journal, nok) == []


def test_what_was_acknowledged_and_is_not_there_is_lost(
    cluster: Any, journal: Journal, nok: Person
) -> None:
    journal.acknowledge("event", "c0-2", person=READER)

    assert faults(cluster, journal, nok) == ["events: c0-2 was acknowledged, and is lost."]


def test_what_is_there_and_nobody_was_told_is_named(
    cluster: Any, journal: Journal, nok: Person
) -> None:
    journal.acknowledged.pop()

    found = faults(cluster, journal, nok)

    assert "events: c0-1 is stored, and nobody was told." in found
    assert any("is rewarded, not pending" in fault for fault in found)


def test_a_balance_that_does_not_follow_is_named(
    cluster: Any, journal: Journal, nok: Person
) -> None:
    now = timezone.now()
    grant_by_clerk_id(
        clerk_id=READER, amounts=Amounts(stars=1), reason="", key="k", actor="a", now=now
    )

    (fault,) = faults(cluster, journal, nok)

    assert fault.startswith(f"{READER} has ")
    assert balances_of(User.objects.get(clerk_id=READER).pk).stars == 2


def test_the_same_acknowledged_twice_as_new_is_named(
    cluster: Any, journal: Journal, nok: Person
) -> None:
    journal.acknowledge("event", "c0-1", person=READER)

    assert "events: c0-1 was acknowledged 2 times as new." in faults(cluster, journal, nok)


def _now() -> int:
    return int(timezone.now().timestamp())
