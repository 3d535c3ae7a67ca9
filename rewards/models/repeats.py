"""The answers to requests that may come again."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyRecord(models.Model):
    """The answer to a request that was sent under an `Idempotency-Key`.

    Made in the database transaction of the work, so that a second request waits for the first; a
    refused request leaves none. It may be cleaned up: the key on the ledger stays.
    """

    caller = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "key"], name="idempotency_record_is_one_per_caller_and_key"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_record_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
