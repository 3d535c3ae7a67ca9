"""What became of each proof of the whole ledger."""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Least
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

KEPT_FAULTS = 20
"""How many faults a proof keeps: a ledger that is broken all over is not copied into each."""
COUNT = models.BigIntegerField()


class LedgerProof(models.Model):
    """One run of the proof over everything; only ever added."""

    started_at = models.DateTimeField(_("started at"))
    seconds = models.FloatField(_("seconds"), help_text=_("How long it took."))
    fault_count = models.PositiveBigIntegerField(_("faults found"))
    faults = models.JSONField(
        _("faults"),
        default=list,
        blank=True,
        help_text=_("The first of them: code, subject and detail of each."),
    )

    class Meta:
        verbose_name = _("ledger proof")
        verbose_name_plural = _("ledger proofs")
        constraints = [
            models.CheckConstraint(condition=Q(seconds__gte=0), name="ledger_proof_took_its_time"),
            models.CheckConstraint(
                condition=Exact(
                    Func(F("faults"), function="jsonb_array_length", output_field=COUNT),
                    Least(F("fault_count"), KEPT_FAULTS, output_field=COUNT),
                ),
                name="ledger_proof_keeps_its_faults",
            ),
        ]
        indexes = [models.Index(fields=["-started_at", "-id"], name="ledger_proof_newest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC"

    @property
    def is_clean(self) -> bool:
        return self.fault_count == 0
