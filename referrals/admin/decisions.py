"""Why claims were accepted, held or refused, and the events that qualify."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.filters import ValuesFilter
from backoffice.lists import ReadOnlyAdmin
from referrals.admin.what_if import REFUSALS
from referrals.models import Decision, QualifyingEvent, normalized_code
from referrals.services.story import checks_of


def rules_table(decision: Decision) -> SafeString:
    """Show each rule's verdict and reason."""
    row = '<tr><td class="verdict {}">{}</td><td>{}</td><td>{}</td></tr>'
    rows = ((c.verdict, c.found, c.asks, c.reason) for c in checks_of(decision))
    return format_html('<table class="rules">{}</table>', format_html_join("", row, rows))


def by_code(term: search.Term) -> Q:
    """Find decisions by the code that was claimed; of one that does not exist, as it was typed."""
    typed = {term.text.upper(), normalized_code(term.text)}
    return search.any_of(Q(code__istartswith=text) for text in typed)


def refusal_in_words(code: str) -> str:
    """Return what a refusal's code means, in the reader's language; empty for none."""
    return str(REFUSALS.get(code, code.replace("_", " ")))


class RefusalFilter(ValuesFilter):
    def told(self, value: str) -> str:
        return refusal_in_words(value)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Why a claim was accepted, held or refused."""

    list_display = ("referee", "referrer", "code", "outcome", "why_refused", "at")
    exported_as = {"why_refused": ("refusal",)}
    list_select_related = ("referee", "referrer")
    list_filter = ("outcome", ("refusal", RefusalFilter))
    finders = (
        search.people("referee", "referrer"),
        by_code,
        search.uuid("attribution"),
    )
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name), a code, or how one of them begins; the id of"
        " an attribution"
    )
    date_hierarchy = "at"
    ordering = ("-at",)
    sortable_by = ("at",)
    exclude = ("evaluations", "address_hash", "refusal")
    readonly_fields = ("why_refused", "rules")

    @admin.display(description=gettext_lazy("refusal"))
    def why_refused(self, decision: Decision) -> str:
        return refusal_in_words(decision.refusal) or "-"

    @admin.display(description=gettext_lazy("rules"))
    def rules(self, decision: Decision) -> SafeString:
        return rules_table(decision)


@admin.register(QualifyingEvent)
class QualifyingEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "user", "occurred_at", "received_at", "source")
    list_select_related = ("user",)
    list_filter = (("type", ValuesFilter),)
    finders = (search.exactly("event_id"), search.people("user"))
    search_help_text = gettext_lazy(
        "The id of an event; a person (Clerk id, e-mail address, name) or how one begins"
    )
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
    sortable_by = ("received_at",)
