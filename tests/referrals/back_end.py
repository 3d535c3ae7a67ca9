"""Another back end, over Django's test client."""

import json
import uuid
from typing import Any

from django.test import Client

from tests.people import Person

READING = "reading.completed"


class BackEnd:
    """A service with an API key, which reports events."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.client = Client(raise_request_exception=False, REMOTE_ADDR="192.0.2.1")

    def post(self, path: str, body: Any, **headers: str) -> Any:
        sent = {"Authorization": f"Api-Key {self.key}", **headers}
        return self.client.generic(
            "POST",
            f"/api/v1/{path}",
            data=json.dumps(body),
            content_type="application/json",
            headers=sent,
        )

    def report(self, person: Person | str, *, event_id: str | None = None, **fields: Any) -> Any:
        """Report one event, a completed reading unless `type` says otherwise."""
        return self.post("events", an_event(person, event_id=event_id, **fields))

    def report_all(self, events: list[Any]) -> Any:
        return self.post("events/batch", {"events": events})


def an_event(person: Person | str, *, event_id: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": event_id or f"evt_{uuid.uuid4().hex}",
        "type": READING,
        "user_id": person if isinstance(person, str) else person.clerk_id,
        **fields,
    }
