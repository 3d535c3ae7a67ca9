"""Why claims were accepted, held or refused, and the events that qualify."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.lists import ReadOnlyAdmin
from referrals.admin.links import search_by_person
from referrals.models import Decision, QualifyingEvent
from referrals.rules import reason_told


def rules_table(decision: Decision) -> SafeString:
    """Show each rule's verdict and reason."""
    row = '<tr><td class="verdict {}">{}</td><td>{}</td><td>{}</td></tr>'
    rows = (
        (e["verdict"], e["verdict"], e["rule"].replace("_", " "), reason_told(e))
        for e in decision.evaluations
    )
    return format_html('<table class="rules">{}</table>', format_html_join("", row, rows))


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Why a claim was accepted, held or refused."""

    list_display = ("referee", "referrer", "code", "outcome", "refusal", "at")
    list_select_related = ("referee", "referrer")
    list_filter = ("outcome", "refusal")
    search_fields = ("code__istartswith", *search_by_person("referee", "referrer"))
    search_help_text = "How a code, Clerk id, e-mail address or name begins"
    ordering = ("-id",)
    exclude = ("evaluations", "address_hash")
    readonly_fields = ("rules",)

    @admin.display(description="rules")
    def rules(self, decision: Decision) -> SafeString:
        return rules_table(decision)


@admin.register(QualifyingEvent)
class QualifyingEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "user", "occurred_at", "received_at", "source")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("event_id__exact", *search_by_person("user"))
    ordering = ("-id",)
