"""Make a new version of terms: a form beside the old values, a preview, and it is made."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import BoundField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from backoffice.corrections import MOST_OF_A_REASON
from backoffice.records import in_english
from backoffice.refusals import refusal_told
from referrals.models import Program, ProgramTerms
from referrals.serializers import TermsSerializer
from referrals.services.terms import (
    NothingDiffers,
    Tenure,
    TermsMadeMeanwhile,
    TimeHasPassed,
    check_draft,
    make_terms,
    tenures_of,
    time_in_words,
    warnings_on,
)
from referrals.services.terms_in_words import (
    CONTENT,
    currency_of,
    differences,
    label_of,
    told,
    what_they_say,
)

MAY_MAKE = "referrals.add_programterms"
LOCAL_TIME = "%Y-%m-%dT%H:%M"
GROUPS = (
    (gettext_lazy("The referee, who was invited, gets"), CONTENT[:4]),
    (gettext_lazy("The referrer, who invited, gets"), CONTENT[4:8]),
    (
        gettext_lazy("When the referrer is paid"),
        ("qualifying_event_type", "qualifying_event_count", "hold_days"),
    ),
    (gettext_lazy("Which claims count"), ("capture_days", "touch", "claim_days")),
    (gettext_lazy("Limits"), ("daily_cap", "total_cap")),
)


class TermsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The next version of a program's terms."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MOST_OF_A_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=gettext_lazy("For the record: it stays with this version and in the log."),
    )

    class Meta:
        model = ProgramTerms
        fields = (*CONTENT, "effective_from")
        labels = {"effective_from": gettext_lazy("Takes effect")}
        widgets = {
            "effective_from": forms.DateTimeInput(
                format=LOCAL_TIME, attrs={"type": "datetime-local"}
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CONTENT:
            # The legend above says whose; the label names the currency alone.
            self.fields[name].label = currency_of(name).capitalize() or label_of(name)
        self.fields["effective_from"].required = False
        self.fields["effective_from"].help_text = _(
            "Empty: as soon as it is confirmed. Otherwise a time to come, in %(zone)s."
        ) % {"zone": timezone.get_current_timezone_name()}

    def hidden(self) -> list[str]:
        """Return every field as a hidden input, for the pages on which it only rides along."""
        return [field.as_hidden() for field in self]


class NewTermsPages(admin.ModelAdmin):  # type: ignore[type-arg]
    """Takes the place of Django's add page."""

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask for the new version, show what differs, and make it as shown."""
        if not request.user.has_perm(MAY_MAKE):
            raise PermissionDenied
        program = program_asked_for(request)
        tenures = tenures_of(program=program, now=timezone.now())
        form = terms_form(request, program, tenures)
        if request.method != "POST" or "edit" in request.POST or not form.is_valid():
            return self._ask(request, program, tenures, form)
        try:
            if "confirm" in request.POST:
                return self._make(request, form)
            check_draft(form.instance, last_of(tenures), now=timezone.now())
        except TermsMadeMeanwhile as meanwhile:
            self.message_user(request, str(meanwhile), messages.WARNING)
            tenures = tenures_of(program=program, now=timezone.now())
        except (NothingDiffers, TimeHasPassed) as error:
            field = "effective_from" if isinstance(error, TimeHasPassed) else None
            form.add_error(field, refusal_told(error))
            return self._ask(request, program, tenures, form)
        return self._preview(request, program, tenures, form)

    def _make(self, request: HttpRequest, form: TermsForm) -> HttpResponse:
        assert isinstance(request.user, User)  # noqa: S101  (signed in to the admin)
        reason = form.cleaned_data["reason"]
        with transaction.atomic():
            made = make_terms(
                draft=form.instance,
                seen_version=_seen(request),
                reason=reason,
                made_by=request.user,
                now=timezone.now(),
            )
            before = made.program.terms.filter(version__lt=made.version).order_by("-version")
            last = before.first()
            with in_english():
                changes = differences(last, made) if last else what_they_say(made)
                self.log_addition(request, made, " ".join([*changes, f"Reason: {reason}"]))
        done = _("Version %(number)s is made. It takes effect at %(time)s.")
        said = {"number": made.version, "time": time_in_words(made.effective_from)}
        self.message_user(request, done % said, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:referrals_programterms_change", args=[made.pk]))

    def _ask(
        self, request: HttpRequest, program: Program, tenures: list[Tenure], form: TermsForm
    ) -> HttpResponse:
        last, basis = last_of(tenures), basis_of(request, tenures)
        groups = [
            (title, [_row(form[name], last, basis) for name in names]) for title, names in GROUPS
        ]
        context = {
            "groups": groups,
            "basis": basis if basis != last else None,
            "meta_fields": [form["effective_from"], form["reason"]],
        }
        return self._page(request, "new_terms", program, tenures, form, **context)

    def _preview(
        self, request: HttpRequest, program: Program, tenures: list[Tenure], form: TermsForm
    ) -> HttpResponse:
        draft, last, now = form.instance, last_of(tenures), timezone.now()
        starts = draft.effective_from or now
        draft.version = last.version + 1 if last else 1
        until_then = next((t.terms for t in tenures if t.terms.effective_from <= starts), None)
        context = {
            "draft": draft,
            "starts": time_in_words(starts) if draft.effective_from else "",
            "differences": differences(last, draft) if last else [],
            "until_then": until_then if until_then != last else None,
            "differences_then": differences(until_then, draft) if until_then else [],
            "sentences": what_they_say(draft),
            "warnings": warnings_on(draft=draft, tenures=tenures, now=now),
            "reason": form.cleaned_data["reason"],
            "announced": json.dumps(TermsSerializer(draft).data, indent=2),
        }
        return self._page(request, "terms_preview", program, tenures, form, **context)

    def _page(
        self,
        request: HttpRequest,
        template: str,
        program: Program,
        tenures: list[Tenure],
        form: TermsForm,
        **context: Any,
    ) -> HttpResponse:
        title = _("New version of the terms of %(program)s") % {"program": program}
        shared = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "program": program,
            "program_page": reverse("admin:referrals_program_change", args=[program.pk]),
            "last": last_of(tenures),
            "form": form,
            "query": request.GET.urlencode(),
            "media": self.media,
        }
        return TemplateResponse(request, f"referrals/admin/{template}.html", {**shared, **context})


def program_asked_for(request: HttpRequest) -> Program:
    """Return the program that the address names, else the default one."""
    wanted = request.GET.get("program", "")
    programs = Program.objects.all()
    found = programs.filter(pk=wanted) if wanted.isdecimal() else programs.filter(is_default=True)
    program = found.first()
    if program is None:
        raise Http404
    return program


def terms_form(request: HttpRequest, program: Program, tenures: list[Tenure]) -> TermsForm:
    """Return the form, filled with what was sent, else with the version to start from."""
    draft = ProgramTerms(program=program)
    if request.method == "POST":
        return TermsForm(request.POST, instance=draft)
    basis = basis_of(request, tenures)
    initial = {name: getattr(basis, name) for name in CONTENT} if basis else {}
    return TermsForm(initial={**initial, "effective_from": None}, instance=draft)


def basis_of(request: HttpRequest, tenures: list[Tenure]) -> ProgramTerms | None:
    """Return the version to start from: the one that the address names, else the last."""
    wanted = request.GET.get("from", "")
    named = (tenure.terms for tenure in tenures if str(tenure.terms.pk) == wanted)
    return next(named, last_of(tenures))


def last_of(tenures: list[Tenure]) -> ProgramTerms | None:
    return tenures[0].terms if tenures else None


def _row(field: BoundField, last: ProgramTerms | None, basis: ProgramTerms | None) -> Any:
    """Return a field with its value in the last version, and in the one to start from."""
    return {
        "field": field,
        "last": told(last, field.name) if last else "",
        "basis": told(basis, field.name) if basis else "",
    }


def _seen(request: HttpRequest) -> int:
    seen = request.POST.get("seen", "")
    return int(seen) if seen.isdecimal() else 0
