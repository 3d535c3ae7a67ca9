"""What operators' commands did and are doing."""

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
