"""The proofs of the ledger, one after the other."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.lists import ReadOnlyAdmin
from rewards.models import LedgerProof


@admin.register(LedgerProof)
class LedgerProofAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "is_clean", "fault_count", "took")
    date_hierarchy = "started_at"
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)
    actions = None
    fields = ("started_at", "took", "is_clean", "fault_count", "first_faults")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("clean"), boolean=True)
    def is_clean(self, proof: LedgerProof) -> bool:
        return proof.is_clean

    @admin.display(description=gettext_lazy("took"))
    def took(self, proof: LedgerProof) -> str:
        return _("%(seconds).2f s") % {"seconds": proof.seconds}

    @admin.display(description=gettext_lazy("first faults"))
    def first_faults(self, proof: LedgerProof) -> SafeString | str:
        faults = ((fault["code"], fault["subject"], fault["detail"]) for fault in proof.faults)
        return format_html_join("", "<p>{}: {}: {}</p>", faults) or "-"
