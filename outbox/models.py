"""Messages for the web app, each written in the transaction of what it tells.

Invariants, held by the database:

- A message waits (`due_at`), was sent (`sent_at`) or was given up (`given_up_at`), never two of it.
- `sequence` rises from message to message. Two about one attribution, or about one balance, are
  written under a lock that lasts until commit, so of these the later one has the higher number.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Func, Q, Value
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

SEQUENCE = "outbox_message_sequence"


class OutboxMessageQuerySet(models.QuerySet["OutboxMessage"]):
    def waiting(self) -> "OutboxMessageQuerySet":
        return self.filter(due_at__isnull=False)

    def given_up(self) -> "OutboxMessageQuerySet":
        return self.filter(given_up_at__isnull=False)


class OutboxMessage(models.Model):
    """One thing that happened; its id is its event id at Svix, whenever and however often sent."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    sequence = models.BigIntegerField(
        _("sequence"), editable=False, db_default=Func(Value(SEQUENCE), function="nextval")
    )
    type = models.CharField(_("type"), max_length=100)
    data = models.JSONField(_("data"))
    created_at = models.DateTimeField(_("created at"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    failure = models.TextField(
        _("failure"), blank=True, default="", help_text=_("How the last attempt failed.")
    )

    objects: ClassVar[models.Manager["OutboxMessage"]] = OutboxMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        constraints = [
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, sent_at__isnull=True, given_up_at__isnull=True)
                | Q(due_at__isnull=True, sent_at__isnull=False, given_up_at__isnull=True)
                | Q(due_at__isnull=True, sent_at__isnull=True, given_up_at__isnull=False),
                name="outbox_message_waits_or_is_sent_or_given_up",
            ),
            models.CheckConstraint(condition=~Q(type=""), name="outbox_message_has_a_type"),
        ]
        # Of what was sent, which is nearly all, none: it is found by its id, which begins with the
        # time.
        indexes = [
            models.Index(
                fields=["due_at", "sequence"],  # as they are sent: many are of one moment
                include=["created_at"],
                condition=Q(due_at__isnull=False),
                name="outbox_message_due",
            ),
            models.Index(
                fields=["-id"],
                condition=Q(given_up_at__isnull=False),
                name="outbox_message_given_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
