from django.db import models

from referrals.models.programs import Program
from rewards.models import ClosedDay


class FunnelDay(ClosedDay):
    """How many invitations of a program took each step in one day.

    A day that was counted has a row for each program that there was then, for those of which
    nothing happened too.
    """

    program = models.ForeignKey(Program, models.CASCADE, related_name="+", db_index=False)
    opened = models.IntegerField()
    adopted = models.IntegerField()
    claimed = models.IntegerField()
    qualified = models.IntegerField()
    rewarded = models.IntegerField()

    class Meta(ClosedDay.Meta):
        constraints = [
            *ClosedDay.Meta.constraints,
            models.UniqueConstraint(
                fields=["begins_at", "ends_at", "program"], name="funnelday_is_one_per_program"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program} {self.begins_at:%Y-%m-%d %H:%M} UTC"
