"""What operators' commands did, and when those of the schedule run next."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.filters import ValuesFilter
from backoffice.lists import ReadOnlyAdmin
from mimivibes.models import CommandRun, ScheduledJob, UnusedTableBackup
from mimivibes.schedule.leases import database_now, run_now


@admin.register(CommandRun)
class CommandRunAdmin(ReadOnlyAdmin):
    list_display = ("command", "started_at", "finished_at", "outcome", "is_dry", "told", "runner")
    list_filter = (("command", ValuesFilter), "outcome")
    date_hierarchy = "started_at"
    ordering = ("-started_at",)
    fields = ("command", "is_dry", "runner", "started_at", "finished_at", "outcome", "told")

    @admin.display(description=gettext_lazy("report"))
    def told(self, run: CommandRun) -> str:
        facts = (f"{name.replace('_', ' ')}: {value}" for name, value in run.report.items())
        return ", ".join(facts) or _("nothing yet")


@admin.register(ScheduledJob)
class ScheduledJobAdmin(ReadOnlyAdmin):
    """Empty until `manage.py run_schedule` has run for the first time."""

    list_display = (
        "name",
        "due_at",
        "leased_by",
        "last_started_at",
        "last_finished_at",
        "last_outcome",
        "last_error",
    )
    ordering = ("name",)
    actions = ("run_now",)

    @admin.action(description=gettext_lazy("Run the selected jobs now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[ScheduledJob]) -> None:
        chosen = list(queryset)
        done = run_now(chosen, now=database_now())
        for job in chosen:
            self.log_change(request, job, "To be run now.")
        told = {"done": done, "chosen": len(chosen)}
        told_staff = _("%(done)d of %(chosen)d are due now; the others are due or run already.")
        self.message_user(request, told_staff % told, messages.SUCCESS)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Who may change jobs, were they not read-only, may have them run."""
        return request.user.has_perm("mimivibes.change_scheduledjob")


@admin.register(UnusedTableBackup)
class UnusedTableBackupAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "schema", "verified_at", "rows", "size", "quarantined_at"),
        *("dropped_at", "restored_at", "runner"),
    )
    date_hierarchy = "verified_at"
    ordering = ("-verified_at",)
