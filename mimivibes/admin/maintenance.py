"""What operators' commands did, and when those of the schedule run next."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import unordered_list
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.filters import ValuesFilter
from backoffice.lists import ReadOnlyAdmin
from mimivibes.models import CommandRun, ScheduledJob, UnusedTableBackup
from mimivibes.schedule.leases import database_now, run_now

SHORT = 60
"""How much of an error a list shows; the page has all of it."""


@admin.register(CommandRun)
class CommandRunAdmin(ReadOnlyAdmin):
    list_display = ("command", "started_at", "finished_at", "outcome", "is_dry")
    export_also = ("runner", "report")
    list_filter = (("command", ValuesFilter), "outcome")
    date_hierarchy = "started_at"
    ordering = ("-started_at",)
    fields = ("command", "is_dry", "runner", "started_at", "finished_at", "outcome", "told")

    @admin.display(description=gettext_lazy("report"))
    def told(self, run: CommandRun) -> str:
        facts = unordered_list(list(_facts(run.report)))
        return format_html('<ul class="told">{}</ul>', facts) if facts else _("nothing yet")


@admin.register(ScheduledJob)
class ScheduledJobAdmin(ReadOnlyAdmin):
    """Empty until `manage.py run_schedule` has run for the first time."""

    list_display = (
        "name",
        "due_at",
        "leased_by",
        "last_finished_at",
        "last_outcome",
        "error",
    )
    exported_as = {"error": ("last_error",)}
    export_also = ("last_started_at",)
    ordering = ("name",)
    actions = ("run_now",)

    @admin.display(description=gettext_lazy("last error"))
    def error(self, job: ScheduledJob) -> str:
        return Truncator(job.last_error).chars(SHORT)

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
        *("dropped_at", "restored_at"),
    )
    export_also = ("runner",)
    date_hierarchy = "verified_at"
    ordering = ("-verified_at",)


def _facts(report: dict[str, Any]) -> Iterator[Any]:
    """Give a line for each fact, and for a group its name and then a list of what is in it."""
    for name, value in report.items():
        fact = name.replace("_", " ")
        if isinstance(value, list) and value:
            yield from (fact, [_told(entry) for entry in value])
        elif isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
            yield from (fact, list(_facts(value)))
        else:
            yield f"{fact}: {_told(value)}"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_told(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    return f"{value:,}" if type(value) is int else str(value)
