"""Decisions on many attributions: none is taken before staff have seen what it will do."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from backoffice.corrections import CorrectableAdmin, CorrectionForm, actor_of
from backoffice.lists import MOST_AT_ONCE
from backoffice.records import in_english
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from referrals.models import Attribution
from referrals.services import corrections
from rewards.admin.corrections import ClawBackForm
from rewards.services.effects import Effect


@dataclass(frozen=True, slots=True)
class BulkVerb:
    """A way to decide on many attributions; `act` is a verb of `referrals.services.corrections`."""

    slug: str
    permission: str
    act: Callable[..., Effect]
    title: Any
    done: Any
    logged: str | Promise
    explanation: str | Promise
    form_class: type[CorrectionForm] = CorrectionForm


BULK_VERBS = {
    verb.slug: verb
    for verb in (
        BulkVerb(
            slug="approve",
            permission="referrals.decide_attribution",
            act=partial(corrections.decide_held, decision="approve"),
            title=ngettext_lazy(
                "Approve %(count)d held attribution", "Approve %(count)d held attributions", "count"
            ),
            done=ngettext_lazy(
                "%(count)d attribution was approved.",
                "%(count)d attributions were approved.",
                "count",
            ),
            logged=gettext_lazy("Approved"),
            explanation=gettext_lazy(
                "What is held goes on as if every rule had passed, and pays by its terms."
            ),
        ),
        BulkVerb(
            slug="reject",
            permission="referrals.decide_attribution",
            act=partial(corrections.decide_held, decision="reject"),
            title=ngettext_lazy(
                "Reject %(count)d held attribution", "Reject %(count)d held attributions", "count"
            ),
            done=ngettext_lazy(
                "%(count)d attribution was rejected.",
                "%(count)d attributions were rejected.",
                "count",
            ),
            logged=gettext_lazy("Rejected"),
            explanation=gettext_lazy("Nobody is paid, and the invited people cannot claim again."),
        ),
        BulkVerb(
            slug="reverse",
            permission="referrals.reverse_attribution",
            act=corrections.reverse_many,
            title=ngettext_lazy(
                "Reverse %(count)d attribution", "Reverse %(count)d attributions", "count"
            ),
            done=ngettext_lazy(
                "%(count)d attribution was reversed.",
                "%(count)d attributions were reversed.",
                "count",
            ),
            logged=gettext_lazy("Reversed"),
            explanation=gettext_lazy("The attributions end and what they paid is taken back."),
            form_class=ClawBackForm,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision brings about, and which attributions it moves; the others are left out."""

    effect: Effect
    moved: list[Attribution]

    @property
    def digest(self) -> str:
        return self.effect.digest


class BulkAdmin(CorrectableAdmin):
    """Decides on what was chosen, in the list or in the queue, on a page that shows it first."""

    actions = ("approve", "reject", "reverse", "claw_back")

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("decide/", decide, name="referrals_attribution_decide"), *super().get_urls()]

    @admin.action(description=gettext_lazy("Approve what is held…"), permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> HttpResponse:
        return self._begin(request, "approve", queryset)

    @admin.action(description=gettext_lazy("Reject what is held…"), permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> HttpResponse:
        return self._begin(request, "reject", queryset)

    @admin.action(description=gettext_lazy("Reverse, with the rewards…"), permissions=["reverse"])
    def reverse(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> HttpResponse:
        return self._begin(request, "reverse", queryset)

    @admin.action(
        description=gettext_lazy("Reverse, taking back what is left…"), permissions=["reverse"]
    )
    def claw_back(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> HttpResponse:
        return self._begin(request, "reverse", queryset, claw_back=True)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.decide_attribution")

    def has_reverse_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.reverse_attribution")

    def decide(self, request: HttpRequest) -> HttpResponse:
        """Show what a decision on the chosen ones will do, and do it as shown."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self._list())
        verb = BULK_VERBS.get(request.POST.get("decision", ""))
        if verb is None:
            raise Http404
        if not request.user.has_perm(verb.permission):
            raise PermissionDenied
        chosen = self._chosen(request)
        form = verb.form_class(request.POST, subject=chosen)
        if "confirm" in request.POST and form.is_valid():
            return self._done_or_stale(request, verb, chosen, form)
        return self._show(request, verb, chosen, form)

    def _begin(
        self, request: HttpRequest, slug: str, queryset: QuerySet[Attribution], **initial: Any
    ) -> HttpResponse:
        verb = BULK_VERBS[slug]
        form = verb.form_class(initial=initial, subject=None)
        return self._show(request, verb, _at_most(queryset), form, back=request.get_full_path())

    def _chosen(self, request: HttpRequest) -> list[Attribution]:
        wanted = [id_ for id_ in request.POST.getlist("case") if _is_key(id_)]
        return _at_most(self.get_queryset(request).filter(pk__in=wanted))

    def _act(
        self, request: HttpRequest, verb: BulkVerb, chosen: list[Attribution], form: CorrectionForm
    ) -> Callable[[], Outcome]:
        actor, now = actor_of(request), timezone.now()
        asked = _asked(form)

        def act() -> Outcome:
            effect = verb.act(chosen, actor=actor, now=now, **asked)
            return Outcome(effect, corrections.moved_of(chosen, now=now))

        return act

    def _show(
        self,
        request: HttpRequest,
        verb: BulkVerb,
        chosen: list[Attribution],
        form: CorrectionForm,
        *,
        back: str = "",
    ) -> HttpResponse:
        back = back or self._back(request)
        if not 0 < len(chosen) <= MOST_AT_ONCE:
            told = _("Choose between 1 and %(most)d at once.") % {"most": MOST_AT_ONCE}
            self.message_user(request, told, messages.ERROR)
            return HttpResponseRedirect(back)
        outcome = rehearse(self._act(request, verb, chosen, form))
        return self._page(request, verb, chosen, form, outcome, back=back)

    def _done_or_stale(
        self, request: HttpRequest, verb: BulkVerb, chosen: list[Attribution], form: CorrectionForm
    ) -> HttpResponse:
        act, back = self._act(request, verb, chosen, form), self._back(request)
        try:
            with transaction.atomic():
                moved = carry_out(act, seen=request.POST.get("seen", "")).moved
                self._log_all(request, moved, verb, form.cleaned_data["reason"])
        except PreviewStale as stale:
            return self._page(request, verb, chosen, form, stale.effect, back=back, is_stale=True)
        self.message_user(request, verb.done % {"count": len(moved)}, messages.SUCCESS)
        return HttpResponseRedirect(back)

    def _log_all(
        self, request: HttpRequest, moved: list[Attribution], verb: BulkVerb, reason: str
    ) -> None:
        staff: Any = request.user
        with in_english():
            LogEntry.objects.log_actions(staff.pk, moved, CHANGE, f"{verb.logged}: {reason}")

    def _page(
        self,
        request: HttpRequest,
        verb: BulkVerb,
        chosen: list[Attribution],
        form: CorrectionForm,
        outcome: Outcome,
        *,
        back: str,
        is_stale: bool = False,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": verb.title % {"count": len(chosen)},
            "opts": self.opts,
            "verb": verb,
            "chosen": chosen,
            "form": form,
            "effect": outcome.effect,
            "moved": outcome.moved,
            "confirmed": verb.title % {"count": len(outcome.moved)},
            "back": back,
            "is_stale": is_stale,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "referrals/admin/bulk_decision.html", context)

    def _back(self, request: HttpRequest) -> str:
        """Return where the choice was made, if that is a page of ours, else the list."""
        back = request.POST.get("back", "")
        is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        return back if is_ours else self._list()

    def _list(self) -> str:
        return reverse("admin:referrals_attribution_changelist")


def _at_most(queryset: QuerySet[Attribution]) -> list[Attribution]:
    """Return the oldest first, and one too many if there are too many."""
    rows = queryset.select_related("referee", "referrer").order_by("claimed_at", "pk")
    return list(rows[: MOST_AT_ONCE + 1])


def _asked(form: CorrectionForm) -> dict[str, Any]:
    """Return what the verb is to be called with, as far as the form has been filled in."""
    form.is_valid()
    filled = form.cleaned_data if form.is_bound else form.initial
    return {"reason": "—", **filled}


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
