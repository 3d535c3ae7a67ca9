from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class QualifyingEvent(models.Model):
    """Something that a back end says a person has done; terms name those that qualify."""

    event_id = models.CharField(_("event id"), max_length=255)
    type = models.CharField(_("type"), max_length=100)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="qualifying_events",
        db_index=False,  # event_by_user_and_type serves
        verbose_name=_("user"),
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    data = models.JSONField(_("data"), default=dict)
    content_hash = models.CharField(_("content hash"), max_length=64, editable=False)
    source = models.CharField(_("source"), max_length=200, help_text=_("Which API key sent it."))

    class Meta:
        verbose_name = _("qualifying event")
        verbose_name_plural = _("qualifying events")
        constraints = [models.UniqueConstraint(fields=["event_id"], name="event_id_is_unique")]
        indexes = [
            models.Index(fields=["user", "type"], name="event_by_user_and_type"),
            models.Index(fields=["-received_at", "-id"], name="event_newest"),
            models.Index(fields=["type", "-received_at", "-id"], name="event_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
