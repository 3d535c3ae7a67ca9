"""Each message reaches Svix at least once, and is told apart by its event id."""

from datetime import UTC, datetime, timedelta
from functools import partial
from operator import add
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from outbox.models import OutboxMessage
from outbox.services import Event, Report, outbox_figures, publish, send_again, send_batch, sending
from outbox.services.sending import LEASE, Misconfigured, SendingFailed, SendLater
from outbox.svix_client import SvixClient, wait_of
from tests.outbox.svix_server import APP, SvixServer
from tests.parallel import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("svix")]


def published(count: int = 1, **data: Any) -> list[OutboxMessage]:
    with transaction.atomic():
        publish(
            [Event("balance.changed", {"n": n, **data}) for n in range(count)], now=timezone.now()
        )
    return list(OutboxMessage.objects.order_by("sequence"))


def send(client: SvixClient, *, later: timedelta = timedelta(0)) -> Report:
    return send_batch(send=client.send, clock=lambda: timezone.now() + later)


def fresh(message: OutboxMessage) -> OutboxMessage:
    return OutboxMessage.objects.get(pk=message.pk)


def test_what_svix_takes_is_sent_once(client: SvixClient, svix: SvixServer) -> None:
    (message,) = published(user_id="user_ploy")

    assert send(client) == Report(sent=1)
    assert send(client).is_over

    kept = svix.messages[str(message.pk)]
    assert kept["eventType"] == "balance.changed"
    assert kept["payload"] == {
        "id": str(message.pk),
        "type": "balance.changed",
        "occurred_at": message.created_at.isoformat().replace("+00:00", "Z"),
        "sequence": message.sequence,
        "data": {"n": 0, "user_id": "user_ploy"},
    }
    assert fresh(message).sent_at
    assert len(svix.requests) == 1


def test_an_empty_outbox_asks_nothing_of_svix(client: SvixClient, svix: SvixServer) -> None:
    assert send(client) == Report()
    assert svix.requests == []


def test_the_numbers_rise_from_message_to_message() -> None:
    numbers = [message.sequence for message in published(3)]

    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("trouble", [500, 503, 400, b"<html>", 302])
def test_what_fails_is_sent_again_later_under_the_same_id(
    client: SvixClient, svix: SvixServer, trouble: Any
) -> None:
    (message,) = published()
    svix.troubles = [trouble]

    assert send(client) == Report(failed=1)
    assert fresh(message).failure
    assert send(client) == Report()
    assert send(client, later=timedelta(seconds=11)) == Report(sent=1)

    assert list(svix.messages) == [str(message.pk)]
    assert (fresh(message).attempts, fresh(message).failure) == (2, "")


def test_no_answer_in_time_is_a_failure(impatient: SvixClient, svix: SvixServer) -> None:
    (message,) = published()
    svix.troubles = ["silence"]

    assert send(impatient) == Report(failed=1)
    assert fresh(message).failure == "No answer: ReadTimeout."


def test_what_svix_took_without_saying_so_counts_as_sent_when_it_comes_again(
    client: SvixClient, impatient: SvixClient, svix: SvixServer
) -> None:
    (message,) = published()
    svix.troubles = ["taken, then silence"]

    assert send(impatient) == Report(failed=1)
    assert send(client, later=timedelta(seconds=11)) == Report(sent=1)

    assert len(svix.requests) == 2
    assert list(svix.messages) == [str(message.pk)]


def test_nobody_at_the_address_is_a_failure_too() -> None:
    (message,) = published()
    nobody = SvixClient(token="x", server_url="http://127.0.0.1:9", app=APP, timeout=0.2)

    assert send(nobody).failed == 1
    assert fresh(message).failure == "No answer: ConnectError."


def test_an_outage_ends_the_run_and_uses_up_few_attempts(
    client: SvixClient, svix: SvixServer
) -> None:
    published(50)
    svix.troubles = [500] * 50

    report = send(client)

    assert isinstance(report.stopped_by, SendingFailed)
    assert report.failed < 20
    assert report.failed + report.postponed == 50
    assert OutboxMessage.objects.filter(attempts=0).count() == report.postponed


@pytest.mark.parametrize(
    ("status", "named"), [(401, "SVIX_TOKEN"), (403, "SVIX_TOKEN"), (404, "SVIX_APP")]
)
def test_a_refusal_of_all_stops_the_run_says_what_to_check_and_loses_nothing(
    client: SvixClient, svix: SvixServer, status: int, named: str
) -> None:
    published(20)
    svix.troubles = [status] * 20

    report = send(client)

    assert isinstance(report.stopped_by, Misconfigured)
    assert named in str(report.stopped_by)
    assert report.postponed == 20
    svix.troubles.clear()
    assert send(client) == Report(sent=20)
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {1}


def test_svix_is_left_alone_for_as_long_as_it_asks(client: SvixClient, svix: SvixServer) -> None:
    (message,) = published()
    svix.troubles = [(429, {"Retry-After": "120"})]
    before = timezone.now()

    report = send(client)

    assert isinstance(report.stopped_by, SendLater)
    assert (report.postponed, report.failed) == (1, 0)
    due_at = fresh(message).due_at
    assert due_at
    assert timedelta(seconds=119) < due_at - before < timedelta(seconds=125)
    assert send(client) == Report()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (None, 30),
        ("5", 5),
        ("0", 1),
        ("999999", 3600),
        ("Sun, 22 Nov 2026 10:01:00 GMT", 60),
        ("soon", 30),
        ("9" * 30, 30),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date(told: str | None, seconds: int) -> None:
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    assert wait_of(told, now=now) == timedelta(seconds=seconds)


def test_waits_grow_until_a_message_is_given_up(
    client: SvixClient, svix: SvixServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_ATTEMPTS", 4)
    (message,) = published()
    svix.troubles = [500] * 4
    start, later = timezone.now(), timedelta(0)
    for wait in (10, 20, 40):
        assert send_batch(send=client.send, clock=partial(add, start, later)) == Report(failed=1)
        later += timedelta(seconds=wait)
        assert fresh(message).due_at == start + later

    last = send_batch(send=client.send, clock=partial(add, start, later))

    assert last == Report(failed=1, given_up=1)
    assert fresh(message).given_up_at == start + later
    assert outbox_figures() == (0, None, 1)
    assert send(client, later=timedelta(days=9)) == Report()


def test_what_was_given_up_is_sent_again_if_staff_say_so(client: SvixClient) -> None:
    given_up, sent = published(2)
    now = timezone.now()
    waiting = OutboxMessage.objects
    waiting.filter(pk=given_up.pk).update(due_at=None, given_up_at=now, attempts=30)
    waiting.filter(pk=sent.pk).update(due_at=None, sent_at=now)

    assert send_again([given_up, sent], now=now) == 1
    assert send(client) == Report(sent=1)


def test_the_figures_tell_how_many_wait_and_since_when() -> None:
    first, *_ = published(3)

    assert outbox_figures() == (3, first.created_at, 0)


def test_what_a_killed_run_had_taken_is_sent_when_its_lease_is_over(client: SvixClient) -> None:
    published(2)
    sending._lease_due(timezone.now(), 100)

    assert send(client) == Report()
    assert send(client, later=LEASE + timedelta(seconds=1)) == Report(sent=2)


def test_a_late_failure_does_not_undo_what_another_run_has_sent(client: SvixClient) -> None:
    (message,) = published()
    (taken,) = sending._lease_due(timezone.now(), 100)
    send(client, later=LEASE + timedelta(seconds=1))

    sending._keep_failure(taken, "Too late.", timezone.now())

    assert (fresh(message).failure, fresh(message).due_at) == ("", None)


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_share_the_messages(client: SvixClient, svix: SvixServer) -> None:
    published(60)

    def run() -> Report:
        total = Report()
        while not total.stopped_by:
            batch = send_batch(send=client.send, clock=timezone.now, batch_size=5)
            total.add(batch)
            if batch.is_over:
                break
        return total

    reports = at_once(run, run, run)

    assert sum(report.sent for report in reports) == 60
    assert len(svix.requests) == len(svix.messages) == 60


def test_one_that_cannot_even_be_handed_over_keeps_no_other_back(client: SvixClient) -> None:
    poison, *others = published(12)

    def send_but_one(message: OutboxMessage) -> None:
        if message.pk == poison.pk:
            raise TypeError("user_ploy is not JSON serializable")
        client.send(message)

    report = send_batch(send=send_but_one, clock=timezone.now)

    assert report == Report(sent=11, failed=1)
    assert fresh(poison).failure == "It could not be handed over: TypeError."
    assert all(fresh(message).sent_at for message in others)
    assert fresh(poison).attempts == 1
    assert fresh(poison).due_at
