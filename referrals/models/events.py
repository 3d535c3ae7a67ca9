from django.conf import settings
from django.db import models
from django.utils import timezone


class QualifyingEvent(models.Model):
    """Something that a back end says a person has done; terms name those that qualify."""

    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="qualifying_events",
        db_index=False,  # event_by_user_and_type serves
    )
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, editable=False)
    source = models.CharField(max_length=200, help_text="Which API key sent it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id"], name="event_id_is_unique")]
        indexes = [
            models.Index(fields=["user", "type"], name="event_by_user_and_type"),
            models.Index(fields=["-received_at", "-id"], name="event_newest"),
            models.Index(fields=["type", "-received_at", "-id"], name="event_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
