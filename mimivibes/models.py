"""What operators' commands did and are doing, and when those that run regularly are due.

Held by the database: of a command one run is unfinished at most; a job's lease has an end.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CommandRun(models.Model):
    """One run of a maintenance command; unfinished while it runs, or after it was killed."""

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped early by --max-seconds")
        FAILED = "failed", _("Failed")
        KILLED = "killed", _("Killed, found by the next run")

    command = models.CharField(_("command"), max_length=100)
    is_dry = models.BooleanField(_("dry run"), default=False)
    runner = models.CharField(_("runner"), max_length=300, help_text=_("Machine and process."))
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome.choices, blank=True, default=""
    )
    report = models.JSONField(_("report"), default=dict)

    class Meta:
        verbose_name = _("command run")
        verbose_name_plural = _("command runs")
        constraints = [
            models.UniqueConstraint(
                fields=["command"],
                condition=Q(finished_at__isnull=True),
                name="command_run_is_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, outcome="")
                | (Q(finished_at__isnull=False) & ~Q(outcome="")),
                name="command_run_is_finished_in_some_way",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="command_run_newest"),
            models.Index(fields=["command", "-started_at"], name="command_run_by_command"),
        ]

    def __str__(self) -> str:
        return f"{self.command} {self.started_at:%Y-%m-%d %H:%M}"


class ScheduledJob(models.Model):
    """A job of the schedule: when it is due, who runs it now, and how its last run ended."""

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped early by --max-seconds")
        FAILED = "failed", _("Failed")
        KILLED = "killed", _("Killed: it took too long")

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    due_at = models.DateTimeField(
        _("due at"), help_text=_("In the past while it runs, or if no machine runs the schedule.")
    )
    lease = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    leased_by = models.CharField(_("runs on"), max_length=300, blank=True, default="")
    last_started_at = models.DateTimeField(_("last started at"), null=True, blank=True)
    last_finished_at = models.DateTimeField(_("last finished at"), null=True, blank=True)
    last_outcome = models.CharField(
        _("last outcome"), max_length=10, choices=Outcome.choices, blank=True, default=""
    )
    last_error = models.TextField(_("last error"), blank=True, default="")

    class Meta:
        verbose_name = _("scheduled job")
        verbose_name_plural = _("scheduled jobs")
        constraints = [
            models.CheckConstraint(
                condition=Q(lease__isnull=True, leased_until__isnull=True, leased_by="")
                | (Q(lease__isnull=False, leased_until__isnull=False) & ~Q(leased_by="")),
                name="scheduled_job_lease_has_an_end_and_a_holder",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Tally(models.Model):
    """How often a fact was counted for the metrics, up to a place in the row of all such facts."""

    fact = models.CharField(max_length=100, unique=True)
    totals = models.JSONField(default=list, help_text="Pairs of labels and how many.")
    counted_to = models.TextField(help_text="The place up to which the totals go.")
    seen_to = models.TextField(help_text="The last place there was at the time below.")
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = "tally"
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return self.fact


class UnusedTableBackup(models.Model):
    """A proved backup of a table that no model owns, and what became of the table after it.

    A table is quarantined, dropped and restored by the backup that was taken of it before.
    """

    schema = models.CharField(_("schema"), max_length=63)
    name = models.CharField(_("table"), max_length=63)
    oid = models.BigIntegerField(
        _("object id"), help_text=_("PostgreSQL's own number for the table.")
    )
    folder = models.TextField(_("folder"))
    checksum = models.CharField(_("checksum"), max_length=64, help_text=_("SHA-256 of the dump."))
    size = models.BigIntegerField(_("size in bytes"))
    rows = models.BigIntegerField(_("rows"))
    content_hash = models.CharField(_("hash of the content"), max_length=32)
    server_version = models.CharField(_("PostgreSQL version"), max_length=50)
    runner = models.CharField(_("runner"), max_length=300, help_text=_("Machine and process."))
    verified_at = models.DateTimeField(_("verified at"))
    quarantined_at = models.DateTimeField(_("quarantined at"), null=True, blank=True)
    quarantined_as = models.CharField(_("name in quarantine"), max_length=63, blank=True)
    dropped_at = models.DateTimeField(_("dropped at"), null=True, blank=True)
    restored_at = models.DateTimeField(_("restored at"), null=True, blank=True)

    class Meta:
        verbose_name = _("backup of an unused table")
        verbose_name_plural = _("backups of unused tables")
        constraints = [
            models.CheckConstraint(
                condition=Q(quarantined_at__isnull=True, quarantined_as="")
                | (Q(quarantined_at__isnull=False) & ~Q(quarantined_as="")),
                name="unused_table_in_quarantine_has_a_name_there",
            ),
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True) | Q(quarantined_at__isnull=False),
                name="unused_table_is_dropped_from_quarantine_only",
            ),
            models.UniqueConstraint(
                fields=["oid"],
                condition=Q(
                    quarantined_at__isnull=False, dropped_at__isnull=True, restored_at__isnull=True
                ),
                name="unused_table_is_in_quarantine_once",
            ),
        ]
        indexes = [models.Index(fields=["-verified_at"], name="unused_table_backup_newest")]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name} {self.verified_at:%Y-%m-%d %H:%M}"

    @property
    def is_away(self) -> bool:
        """Whether the table is in quarantine, or was dropped from there, and is not back."""
        return bool(self.quarantined_at and not self.restored_at)

    @property
    def is_in_quarantine(self) -> bool:
        return self.is_away and not self.dropped_at
