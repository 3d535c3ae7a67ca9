"""Corrections: what staff put right, with a reason, after they have seen what it will do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.links import page_of
from backoffice.lists import ListAdmin
from backoffice.records import STAFF, in_english
from backoffice.refusals import refusal_told
from backoffice.rehearsal import PreviewStale, carry_out, rehearse

MOST_OF_A_REASON = 500


class CorrectionForm(forms.Form):
    """What every correction asks for; those that need more add fields, named as the verb's."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MOST_OF_A_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=gettext_lazy("For the record. The people concerned never see it."),
    )

    def __init__(self, *args: Any, subject: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject


def always(subject: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Correction:
    """One way to put a row right.

    `act` is called as `act(subject, actor=, now=, **the form's fields)`: it does the whole of it in
    the transaction that it finds and returns an effect (`digest`, `moves`, `lines`, `balances`; see
    `templates/backoffice/effect.html`). The exceptions in `refusals` are told to staff.
    """

    slug: str
    label: str | Promise
    explanation: str | Promise
    permission: str
    act: Callable[..., Any]
    refusals: tuple[type[Exception], ...]
    form_class: type[CorrectionForm] = CorrectionForm
    applies: Callable[[Any], bool] = always


def actor_of(request: HttpRequest) -> str:
    """Name the member of staff on timelines and the ledger."""
    return f"{STAFF}{request.user.get_username()}"


class CorrectableAdmin(ListAdmin):
    """Offers the corrections that apply to a row on its page, each with a page of its own."""

    corrections: Sequence[Correction] = ()
    change_form_template = "backoffice/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{correction.slug}/",
                self.admin_site.admin_view(partial(self.correct, correction=correction)),
                name=self.url_name(correction.slug),
            )
            for correction in self.corrections
        ]
        return own + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        subject = context["original"]
        context["corrections"] = self.offered(request, subject) if subject else []
        return super().render_change_form(request, context, *args, **kwargs)

    def offered(self, request: HttpRequest, subject: Model) -> list[tuple[str | Promise, str]]:
        """Return label and address of each correction that this person may make of the row."""
        return [
            (correction.label, self.address_of(correction, subject))
            for correction in self.corrections
            if request.user.has_perm(correction.permission) and correction.applies(subject)
        ]

    def name_of(self, subject: Model) -> str:
        """Name the row to staff, where it is corrected."""
        return str(subject)

    def address_of(self, correction: Correction, subject: Model) -> str:
        return reverse(f"admin:{self.url_name(correction.slug)}", args=[subject.pk])

    def correct(
        self, request: HttpRequest, object_id: str, *, correction: Correction
    ) -> HttpResponse:
        """Ask for a reason, show what the correction would do, and do it as shown."""
        if not request.user.has_perm(correction.permission):
            raise PermissionDenied
        subject = self.get_object(request, object_id)
        if subject is None:
            raise Http404
        if not self.has_view_permission(request, subject):
            raise PermissionDenied
        if not correction.applies(subject):
            refused = _("%(correction)s: not as it stands now.") % {"correction": correction.label}
            self.message_user(request, refused, messages.WARNING)
            return HttpResponseRedirect(page_of(subject))
        form = correction.form_class(request.POST or None, subject=subject)
        shown: dict[str, Any] = {}
        if form.is_valid():
            try:
                shown = self._shown_or_done(request, correction, subject, form.cleaned_data)
            except correction.refusals as error:
                form.add_error(None, refusal_told(error))
        if shown.get("done"):
            return HttpResponseRedirect(page_of(subject))
        return self._ask(request, correction, subject, form, shown)

    def _shown_or_done(
        self,
        request: HttpRequest,
        correction: Correction,
        subject: Model,
        asked: dict[str, Any],
    ) -> dict[str, Any]:
        act = partial(correction.act, subject, actor=actor_of(request), now=timezone.now(), **asked)
        if "confirm" not in request.POST:
            return {"effect": rehearse(act)}
        try:
            with transaction.atomic():
                effect = carry_out(act, seen=request.POST.get("seen", ""))
                self._log(request, correction, subject, asked["reason"])
        except PreviewStale as stale:
            return {"effect": stale.effect, "is_stale": True}
        done = _("Done: %(correction)s.") % {"correction": correction.label}
        self.message_user(request, " ".join([done, *effect.moves]), messages.SUCCESS)
        return {"done": True}

    def _log(
        self, request: HttpRequest, correction: Correction, subject: Model, reason: str
    ) -> None:
        with in_english():
            self.log_change(request, subject, f"{correction.label}: {reason}")

    def _ask(
        self,
        request: HttpRequest,
        correction: Correction,
        subject: Model,
        form: CorrectionForm,
        shown: dict[str, Any],
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **shown,
            "title": correction.label,
            "subtitle": self.name_of(subject),
            "opts": self.opts,
            "original": subject,
            "correction": correction,
            "page_address": page_of(subject),
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "backoffice/correction.html", context)
