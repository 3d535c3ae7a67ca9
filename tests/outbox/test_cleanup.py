"""Old messages go; what waits stays, however old."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from outbox.models import OutboxMessage
from tests.commands import run

pytestmark = pytest.mark.django_db


def message(n: int, *, made: datetime, **ended: datetime | None) -> OutboxMessage:
    id_ = UUID(int=(int(made.timestamp() * 1000) << 80) | (7 << 76) | n)
    state: dict[str, datetime | None] = ended or {"due_at": made}
    return OutboxMessage.objects.create(id=id_, type="x", data={}, created_at=made, **state)


def test_sent_messages_go_after_a_month_and_given_up_ones_after_three() -> None:
    now = timezone.now()
    long_ago, lately = now - timedelta(days=200), now - timedelta(days=20)
    month, quarter = now - timedelta(days=31), now - timedelta(days=91)
    gone = [
        message(1, made=month, sent_at=month),
        message(2, made=long_ago, sent_at=month),
        message(3, made=long_ago, given_up_at=quarter),
    ]
    stay = [
        message(4, made=long_ago),
        message(5, made=long_ago, sent_at=lately),
        message(6, made=long_ago, given_up_at=month),
        message(7, made=lately, sent_at=lately),
    ]

    rows = run("cleanup_webhooks", "--apply", "--batch-size", "2")["rows"]

    assert rows["old_outbox_messages"] == len(gone)
    assert set(OutboxMessage.objects.all()) == set(stay)
