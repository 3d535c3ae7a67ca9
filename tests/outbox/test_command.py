"""`send_outbox` as operators run it: what it says, its exit status, and a run that is killed."""

import json
import os
import subprocess
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from outbox.models import OutboxMessage
from outbox.services import Event, publish
from outbox.services.sending import LEASE
from tests.commands import started
from tests.outbox.svix_server import APP, TOKEN, SvixServer
from tests.waiting import until

SECONDS = 30


def sending_to(svix: SvixServer, *options: str) -> "subprocess.Popen[str]":
    """Start the command in a process of its own, set up by its environment."""
    return started(
        "send_outbox",
        *options,
        DJANGO_SETTINGS_MODULE="mimivibes.settings",
        SVIX_TOKEN=TOKEN,
        SVIX_APP=APP,
        SVIX_SERVER_URL=svix.url,
    )


def published(count: int) -> None:
    with transaction.atomic():
        publish([Event("balance.changed", {"n": n}) for n in range(count)], now=timezone.now())


def run(*options: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    status = 0
    try:
        call_command("send_outbox", *options, "--json", stdout=out)
    except SystemExit as stop:
        status = int(str(stop.code))
    return status, json.loads(out.getvalue())


@pytest.mark.django_db
def test_all_that_waits_is_sent(svix: SvixServer) -> None:
    published(3)

    status, report = run()

    assert (status, len(svix.messages)) == (0, 3)
    assert report == {
        "sent": 3,
        "failed": 0,
        "given_up": 0,
        "postponed": 0,
        "waiting": 0,
        "stopped_by": None,
    }


@pytest.mark.django_db
def test_an_empty_outbox_is_no_fault(svix: SvixServer) -> None:
    assert run()[0] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("trouble", "status"), [(500, 1), (401, 1), (429, 0)])
def test_the_exit_status_tells_of_a_failure_and_not_of_a_wait(
    svix: SvixServer, trouble: int, status: int
) -> None:
    published(1)
    svix.troubles = [trouble]

    code, report = run()

    assert code == status
    assert report["waiting"] == 1


@pytest.mark.django_db(transaction=True)
def test_it_stays_for_what_comes_and_ends_when_told_to(
    svix: SvixServer,
) -> None:
    process = sending_to(svix, "--for", "600", "--json")
    for count in (1, 2):
        published(1)
        until(lambda count=count: len(svix.messages) == count, process)
    process.terminate()
    out, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 0, errors
    assert json.loads(out)["sent"] == 2


@pytest.mark.django_db
def test_a_wrong_token_is_named(svix: SvixServer, settings: Any) -> None:
    settings.SVIX_TOKEN = "another"
    published(1)

    status, report = run()

    assert status == 1
    assert "Check SVIX_TOKEN" in report["stopped_by"]


@pytest.mark.django_db
def test_switched_off_it_says_so(settings: Any) -> None:
    settings.SVIX_TOKEN = ""

    with pytest.raises(CommandError, match="SVIX_TOKEN is not set") as refused:
        call_command("send_outbox")

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_what_is_told_can_be_registered_any_number_of_times(svix: SvixServer) -> None:
    svix.apps.clear()

    for _ in range(2):
        status, report = run("--register")

    assert (status, svix.apps) == (0, {APP})
    assert set(report["event_types"]) == set(svix.event_types)
    assert {"attribution.made", "balance.changed"} < set(svix.event_types)


@pytest.mark.django_db(transaction=True)
def test_what_was_killed_before_it_wrote_down_what_it_sent_sends_it_again(
    svix: SvixServer,
) -> None:
    """Svix has the first messages; the run that sent them is killed while it waits for more."""
    published(8)
    svix.troubles = ["taken, then silence"] * 8
    svix.silence = 20
    process = sending_to(svix)
    until(lambda: len(svix.messages) == 8, process)
    os.kill(process.pid, 9)
    process.wait()
    assert not OutboxMessage.objects.filter(sent_at__isnull=False).exists()
    OutboxMessage.objects.update(due_at=timezone.now() - LEASE + timedelta(seconds=1))

    status, report = run()

    assert (status, report["sent"]) == (0, 8)
    assert len(svix.requests) == 16
    assert len(svix.messages) == 8
