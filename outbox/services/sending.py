"""Send what waits in the outbox: at least once each, by any number of runs at a time.

A message is leased to its run for some minutes by one short statement, so that no transaction is
open while Svix answers. A run that is killed after Svix took a message, and before that was written
down, leaves it to be sent again, under the same event id.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, F, Min

from outbox.models import OutboxMessage, OutboxMessageQuerySet

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""Longer than a whole batch can take, every request of it timed out."""
BATCH_SIZE = 100
AT_ONCE = 8
FAILURES_OF_AN_OUTAGE = 5
"""After so many failures, and nothing sent, the rest of a batch is left for the next run."""
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=6)
MOST_ATTEMPTS = 30
"""By the waits above that is nearly five days."""

Send = Callable[[OutboxMessage], None]
"""Hands one message over; raises one of the three errors below if that does not succeed."""


class SendingFailed(Exception):
    """Svix did not take this message: no answer, one of 5xx, or one that makes no sense."""


class SendLater(Exception):
    """Svix asks to be left alone for a while (429)."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"Svix asks to wait for {wait.total_seconds():.0f} seconds.")
        self.wait = wait


class Misconfigured(Exception):
    """No message would be taken as things are set up: wrong token, server or application."""


Fault = SendingFailed | SendLater | Misconfigured


@dataclass(slots=True)
class Report:
    """How one or more batches went, in messages."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    postponed: int = 0
    stopped_by: Fault | None = None

    @property
    def is_over(self) -> bool:
        """Nothing was due, or to go on now would come to nothing."""
        return self.stopped_by is not None or not (self.sent or self.failed)

    def add(self, other: "Report") -> None:
        self.sent += other.sent
        self.failed += other.failed
        self.given_up += other.given_up
        self.postponed += other.postponed
        self.stopped_by = other.stopped_by


class Outbox(NamedTuple):
    """How many messages wait, since when the oldest of them does, and how many were given up."""

    waiting: int
    oldest_at: datetime | None
    given_up: int


def outbox_figures() -> Outbox:
    """Return how the outbox stands; two queries, each of a small index alone."""
    waiting = OutboxMessage.objects.waiting().aggregate(
        waiting=Count("*"), oldest_at=Min("created_at")
    )
    return Outbox(**waiting, given_up=OutboxMessage.objects.given_up().count())


def send_again(messages: Iterable[OutboxMessage], *, now: datetime) -> int:
    """Make those of `messages` that were not sent due now, with all their attempts before them.

    Returns how many; whatever was sent stays as it is.
    """
    unsent = OutboxMessage.objects.filter(
        pk__in=[message.pk for message in messages], sent_at__isnull=True
    )
    return unsent.update(due_at=now, given_up_at=None, attempts=0, failure="")


def send_batch(
    *, send: Send, clock: Callable[[], datetime], batch_size: int = BATCH_SIZE
) -> Report:
    """Send up to `batch_size` messages whose time has come, several at once, and say how it went.

    What Svix refuses for all, or asks to wait with, ends the batch (`stopped_by`); what was not
    tried for it is due again as if it had not been taken.
    """
    report = Report()
    waiting = iter(_lease_due(clock(), batch_size))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send") as pool:
        attempt = partial(_attempt, send)
        under_way = {pool.submit(attempt, message) for message in islice(waiting, AT_ONCE)}
        while under_way:
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for message, fault in (future.result() for future in ended):
                _keep(message, fault, report, clock())
                report.stopped_by = report.stopped_by or _reason_to_stop(fault, report)
            if report.stopped_by is None:
                under_way |= {
                    pool.submit(attempt, message) for message in islice(waiting, len(ended))
                }
    for message in waiting:
        _postpone(message, clock(), report)
    return report


def _attempt(send: Send, message: OutboxMessage) -> tuple[OutboxMessage, Fault | None]:
    try:
        send(message)
    except (SendingFailed, SendLater, Misconfigured) as fault:
        return message, fault
    except Exception as error:
        # One that cannot even be handed over must not keep back those that were leased with it.
        logger.exception("Message %s could not be handed over.", message.pk)
        return message, SendingFailed(f"It could not be handed over: {type(error).__name__}.")
    return message, None


def _reason_to_stop(fault: Fault | None, report: Report) -> Fault | None:
    """Return the fault if no other message would fare better now."""
    is_outage = report.failed >= FAILURES_OF_AN_OUTAGE and not report.sent
    return fault if is_outage or not isinstance(fault, SendingFailed) else None


def _keep(message: OutboxMessage, fault: Fault | None, report: Report, now: datetime) -> None:
    match fault:
        case None:
            _mark_sent(message, now)
            report.sent += 1
        case SendLater():
            _postpone(message, now + fault.wait, report)
        case Misconfigured():
            _postpone(message, now, report)
        case SendingFailed():
            report.failed += 1
            report.given_up += _keep_failure(message, str(fault), now)


def _mark_sent(message: OutboxMessage, now: datetime) -> None:
    # Whatever another run has made of it meanwhile, when our lease ran out: it was sent.
    OutboxMessage.objects.filter(pk=message.pk, sent_at__isnull=True).update(
        sent_at=now, due_at=None, given_up_at=None, failure=""
    )


def _postpone(message: OutboxMessage, until: datetime, report: Report) -> None:
    """Make it due as if it had not been taken."""
    _as_leased(message).update(due_at=until, attempts=F("attempts") - 1)
    report.postponed += 1


def _keep_failure(message: OutboxMessage, failure: str, now: datetime) -> bool:
    """Say when to try again, if at all; return whether the message is given up."""
    logger.warning("Message %s was not taken: %s", message.pk, failure)
    if message.attempts < MOST_ATTEMPTS:
        due_at = now + _wait_after(message.attempts)
        _as_leased(message).update(due_at=due_at, failure=failure)
        return False
    _as_leased(message).update(due_at=None, given_up_at=now, failure=failure)
    logger.error("Message %s is given up after %s attempts.", message.pk, message.attempts)
    return True


def _wait_after(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 16)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)


def _as_leased(message: OutboxMessage) -> OutboxMessageQuerySet:
    """Return the message as long as no other run has taken it since."""
    return OutboxMessage.objects.waiting().filter(pk=message.pk, attempts=message.attempts)


def _lease_due(now: datetime, batch_size: int) -> list[OutboxMessage]:
    table = connection.ops.quote_name(OutboxMessage._meta.db_table)
    # Materialized: as a plain subquery it may run once for each row, and lock more than the limit.
    statement = (
        f"WITH due AS MATERIALIZED (SELECT id FROM {table} WHERE due_at <= %s"
        " ORDER BY due_at, sequence LIMIT %s FOR UPDATE SKIP LOCKED)"
        f" UPDATE {table} AS leased SET attempts = attempts + 1, due_at = %s"
        " FROM due WHERE leased.id = due.id RETURNING leased.*"
    )
    leased = OutboxMessage.objects.raw(statement, [now, batch_size, now + LEASE])
    return sorted(leased, key=lambda message: message.sequence)
