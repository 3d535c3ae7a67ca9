"""What days that are over came to, kept so that nobody counts them again."""

from django.db import models
from django.db.models import F, Q


class ClosedDay(models.Model):
    """A day that is over, by its two midnights: in another time zone it is another day."""

    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(begins_at__lt=F("ends_at")), name="%(class)s_begins_before_it_ends"
            )
        ]


class IssuedDay(ClosedDay):
    """What the house gave and took back in one day; there is a row for a day of nothing too."""

    kinds = models.JSONField(
        default=dict,
        help_text="For each kind of transaction, the amounts given and taken back.",
    )

    class Meta(ClosedDay.Meta):
        constraints = [
            *ClosedDay.Meta.constraints,
            models.UniqueConstraint(fields=["begins_at", "ends_at"], name="issuedday_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d %H:%M} UTC"
