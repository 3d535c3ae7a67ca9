"""The only code that speaks to Svix: hands messages over, and registers what there is to tell."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx

from outbox.models import OutboxMessage
from outbox.services.sending import Misconfigured, SendingFailed, SendLater

SECONDS_TO_ANSWER = 10.0
WAIT_WITHOUT_WORD = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
MOST_OF_A_REASON = 300
REFUSED = {
    401: "Svix refuses the token. Check SVIX_TOKEN, and that it belongs to this SVIX_SERVER_URL.",
    403: "Svix does not let this token do that. Check what SVIX_TOKEN may do.",
    404: "Svix knows no such application. Check SVIX_APP and SVIX_SERVER_URL, or make the"
    " application: manage.py send_outbox --register",
}


class SvixClient:
    """One application at Svix. Safe to use from several threads."""

    def __init__(
        self, *, token: str, server_url: str, app: str, timeout: float = SECONDS_TO_ANSWER
    ) -> None:
        # Here, not above: it takes up to a second to import, and only who sends needs it.
        from svix.api import Svix, SvixOptions

        # No retries of its own: the outbox tries again, and says when.
        options = SvixOptions(server_url=server_url or None, retry_schedule=[], timeout=timeout)
        self._svix = Svix(token, options)
        self._app = app
        self._answer = threading.local()
        # Its errors do not tell the headers of an answer, and so not for how long to wait.
        self._svix._httpx_client.event_hooks = {"response": [self._remember]}

    def send(self, message: OutboxMessage) -> None:
        """Hand `message` over. That Svix has its event id already (409) is a success too.

        Raises `SendingFailed`, `SendLater`, `Misconfigured`.
        """
        from svix.api import MessageIn

        handed = MessageIn(
            event_type=message.type, event_id=str(message.pk), payload=envelope(message)
        )
        self._ask(partial(self._svix.message.create, self._app, handed), known=409)

    def register(self, event_types: Mapping[str, str]) -> None:
        """Make the application, unless it is there, and the event types (name to description).

        What is there already is left, descriptions are renewed. Raises as `send` does.
        """
        from svix.api import ApplicationIn, EventTypeUpsertIn

        if not self._app.startswith("app_"):  # that is no uid, but an id that Svix itself gave
            wanted = ApplicationIn(name=self._app, uid=self._app)
            self._ask(partial(self._svix.application.get_or_create, wanted))
        for name, description in event_types.items():
            upsert = EventTypeUpsertIn(description=description)
            self._ask(partial(self._svix.event_type.upsert, name, upsert))

    def _ask(self, request: Callable[[], object], *, known: int | None = None) -> None:
        self._answer.status, self._answer.retry_after = None, None
        try:
            request()
        except httpx.HTTPError as error:
            raise SendingFailed(f"No answer: {type(error).__name__}.") from error
        except Exception as error:  # its own errors, and whatever it makes of a strange answer
            status = self._answer.status
            if status is None:
                raise
            if status != known:
                raise self._fault(status, error) from error

    def _fault(self, status: int, error: Exception) -> Exception:
        if status in REFUSED:
            return Misconfigured(f"{REFUSED[status]} (Status {status}.)")
        if status == 429:
            return SendLater(wait_of(self._answer.retry_after, now=datetime.now(UTC)))
        told = str(getattr(error, "detail", "")) or f"{type(error).__name__} while reading it"
        return SendingFailed(f"Answer {status}: {told}"[:MOST_OF_A_REASON])

    def _remember(self, response: httpx.Response) -> None:
        self._answer.status = response.status_code
        self._answer.retry_after = response.headers.get("retry-after")


def envelope(message: OutboxMessage) -> dict[str, Any]:
    """Return what the web app gets: `docs/outbox.md` explains each field."""
    return {
        "id": str(message.pk),
        "type": message.type,
        "occurred_at": message.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": message.sequence,
        "data": message.data,
    }


def wait_of(retry_after: str | None, *, now: datetime) -> timedelta:
    """Read a `Retry-After` (RFC 9110, section 10.2.3): seconds or a date, an hour at most."""
    try:
        if retry_after is None:
            wait = WAIT_WITHOUT_WORD
        elif retry_after.strip().isdecimal():
            wait = timedelta(seconds=int(retry_after))
        else:
            wait = parsedate_to_datetime(retry_after) - now
    except (ValueError, TypeError, OverflowError):  # no date, one without a zone, a huge number
        wait = WAIT_WITHOUT_WORD
    return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)
