"""What operators' commands did."""

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.filters import ValuesFilter
from backoffice.lists import ReadOnlyAdmin
from mimivibes.models import CommandRun, UnusedTableBackup


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


@admin.register(UnusedTableBackup)
class UnusedTableBackupAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "schema", "verified_at", "rows", "size", "quarantined_at"),
        *("dropped_at", "restored_at", "runner"),
    )
    date_hierarchy = "verified_at"
    ordering = ("-verified_at",)
