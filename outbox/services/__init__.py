"""What the other apps, the sending command and the admin do with the outbox."""

from outbox.services.publishing import Event, is_on, publish, silenced
from outbox.services.sending import (
    Outbox,
    Report,
    outbox_figures,
    send_again,
    send_batch,
)

__all__ = [
    "Event",
    "Outbox",
    "Report",
    "is_on",
    "outbox_figures",
    "publish",
    "send_again",
    "send_batch",
    "silenced",
]
