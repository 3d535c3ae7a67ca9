"""Remove messages that have had their time; what waits is never touched."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from outbox.models import OutboxMessage

SENT_AGE = timedelta(days=30)
GIVEN_UP_AGE = timedelta(days=90)


def old_messages(now: datetime) -> QuerySet[OutboxMessage]:
    """Return what was sent, or given up, long ago, read in the order of the ids alone.

    An id begins with the time at which it was made: nothing that is younger can be old enough.
    """
    made_before = OutboxMessage.objects.filter(pk__lt=_first_id_of(now - SENT_AGE))
    return made_before.filter(
        Q(sent_at__lte=now - SENT_AGE) | Q(given_up_at__lte=now - GIVEN_UP_AGE)
    )


def _first_id_of(moment: datetime) -> UUID:
    """Return the smallest UUID of version 7 that could be made at `moment` (RFC 9562, 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
