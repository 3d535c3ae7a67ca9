"""Programs and the versions of their terms."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.links import page_of
from backoffice.lists import ListAdmin
from referrals.admin.new_terms import MAY_MAKE, NewTermsPages
from referrals.admin.what_if import WhatIfPage
from referrals.models import Program, ProgramTerms
from referrals.services.terms import (
    COUNTED,
    State,
    Tenure,
    attributions_under,
    in_words,
    last_terms_of,
    shown_count,
    tenure_of,
    tenures_of,
)
from referrals.services.terms_in_words import amounts_in_words, what_they_say

STATES = {
    State.IN_FORCE: gettext_lazy("In force now"),
    State.WAITS: gettext_lazy("Waits for its time"),
    State.OVER: gettext_lazy("Was in force"),
    State.NEVER: gettext_lazy("Never in force: overtaken before its time"),
}


def state_badge(tenure: Tenure) -> SafeString:
    """Say in a word whether a version counts."""
    name = tenure.state.name.lower().replace("_", "-")
    return format_html('<span class="state {}">{}</span>', name, STATES[tenure.state])


def period(tenure: Tenure) -> str:
    """Say from when until when a version counts."""
    said = {"since": in_words(tenure.since), "until": in_words(tenure.until or tenure.since)}
    if tenure.state == State.NEVER:
        return _("was to begin %(since)s") % said
    if tenure.until is None:
        return _("from %(since)s on") % said
    return _("%(since)s until %(until)s") % said


def row_of(tenure: Tenure) -> dict[str, Any]:
    """Return what tables of versions show of one."""
    terms = tenure.terms
    return {
        "terms": terms,
        "tenure": tenure,
        "state": state_badge(tenure),
        "period": period(tenure),
        "referee": amounts_in_words(terms.referee_amounts),
        "referrer": amounts_in_words(terms.referrer_amounts),
        "address": page_of(terms),
    }


@admin.register(Program)
class ProgramAdmin(ListAdmin):
    """Start and stop a program; its conditions are in its terms."""

    class Media:
        css = {"all": ("referrals/terms.css",)}

    list_display = ("name", "slug", "is_default", "is_active", "starts_at", "ends_at")
    list_filter = ("is_active",)
    finders = (search.begins_in_any_case("name", "slug"),)
    sortable_by = ("name", "slug", "starts_at", "ends_at")
    # Without a default program nobody new could be given a code, and so nobody could sign in.
    readonly_fields = ("is_default",)
    change_form_template = "referrals/admin/program.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        program = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {"may_make": request.user.has_perm(MAY_MAKE)}
        if program is not None:
            tenures = tenures_of(program=program, now=timezone.now())
            context["versions"] = [row_of(tenure) for tenure in tenures]
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ProgramTerms)
class ProgramTermsAdmin(NewTermsPages, WhatIfPage, ListAdmin):
    """Versions of terms: a new one is begun from another; none ever changes."""

    class Media:
        css = {"all": ("referrals/terms.css",)}

    list_display = ("__str__", "state", "period", "referee", "referrer", "hold_days", "created_by")
    list_select_related = ("program", "created_by")
    list_filter = ("program",)
    finders = (search.begins_in_any_case("program__name", "program__slug"),)
    date_hierarchy = "effective_from"
    ordering = ("program", "-version")
    sortable_by = ("hold_days",)
    fields = ("version",)
    readonly_fields = fields
    change_form_template = "referrals/admin/terms.html"

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "what-if/",
                self.admin_site.admin_view(self.replay_draft),
                name="referrals_programterms_what_if_draft",
            ),
            path(
                "<int:pk>/what-if/",
                self.admin_site.admin_view(self.replay_version),
                name="referrals_programterms_what_if",
            ),
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProgramTerms]:
        found: Any = super().get_queryset(request)
        versions: QuerySet[ProgramTerms] = found.with_tenure()
        return versions

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        found = ProgramTerms.objects.with_tenure().select_related("program", "created_by")
        terms = found.filter(pk=object_id).first() if object_id.isdigit() else None
        context = self._told(request, terms) if terms else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def _told(self, request: HttpRequest, terms: ProgramTerms) -> dict[str, Any]:
        tenure = tenure_of(terms, now=timezone.now())
        last = last_terms_of(terms.program)
        count = attributions_under(terms)
        attributions = reverse("admin:referrals_attribution_changelist")
        return {
            "title": _("%(program)s, version %(number)s")
            % {"program": terms.program, "number": terms.version},
            "subtitle": None,
            "may_make": request.user.has_perm(MAY_MAKE),
            "is_last": last is not None and last.pk == terms.pk,
            "last": last,
            "last_address": page_of(last) if last else "",
            "row": row_of(tenure),
            "sentences": what_they_say(terms),
            "count": shown_count(count) if count else "",
            "counted": COUNTED,
            "attributions": f"{attributions}?terms__id__exact={terms.pk}",
        }

    @admin.display(description=gettext_lazy("state"))
    def state(self, terms: ProgramTerms) -> SafeString:
        return state_badge(tenure_of(terms, now=timezone.now()))

    @admin.display(description=gettext_lazy("counts"))
    def period(self, terms: ProgramTerms) -> str:
        return period(tenure_of(terms, now=timezone.now()))

    @admin.display(description=gettext_lazy("referee gets"))
    def referee(self, terms: ProgramTerms) -> str:
        return amounts_in_words(terms.referee_amounts)

    @admin.display(description=gettext_lazy("referrer gets"))
    def referrer(self, terms: ProgramTerms) -> str:
        return amounts_in_words(terms.referrer_amounts)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
