"""Staff see what could not be told, and have it sent again."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from outbox.models import OutboxMessage

pytestmark = pytest.mark.django_db
LIST = "/admin/outbox/outboxmessage/"


def message(**state: Any) -> OutboxMessage:
    now = timezone.now()
    return OutboxMessage.objects.create(type="attribution.made", data={}, created_at=now, **state)


def test_the_list_is_filtered_by_state(aree: Client) -> None:
    now = timezone.now()
    message(due_at=now)
    message(sent_at=now)
    given_up = message(given_up_at=now, failure="Answer 500: Told so")

    page = aree.get(LIST, {"state": "given_up"}).content.decode()

    assert str(given_up.pk) in page
    assert "Told so" in page
    assert "1 outbox message" in page


def test_its_page_has_what_receivers_go_by(aree: Client) -> None:
    one = message(due_at=timezone.now())
    one.refresh_from_db()

    page = aree.get(f"{LIST}{one.pk}/change/").content.decode()

    assert f'<div class="readonly">{one.pk}</div>' in page
    assert f'<div class="readonly">{one.sequence}</div>' in page


def test_a_message_is_found_by_its_event_id(aree: Client) -> None:
    found, other = message(due_at=timezone.now()), message(due_at=timezone.now())

    page = aree.get(LIST, {"q": str(found.pk)}).content.decode()

    assert str(found.pk) in page
    assert str(other.pk) not in page


def test_what_was_given_up_is_sent_again_and_what_was_sent_is_not(aree: Client) -> None:
    now = timezone.now()
    given_up, sent = message(given_up_at=now, attempts=30), message(sent_at=now)

    response = aree.post(
        LIST,
        {"action": "send_again", "_selected_action": [given_up.pk, sent.pk]},
        follow=True,
    )

    assert "1 of 2 will be sent again" in response.content.decode()
    given_up.refresh_from_db()
    assert (given_up.attempts, given_up.given_up_at) == (0, None)
    assert OutboxMessage.objects.get(pk=sent.pk).due_at is None
