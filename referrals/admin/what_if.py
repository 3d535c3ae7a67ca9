"""What if: how a past period would have come out under other terms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from backoffice.links import page_of
from referrals.admin.new_terms import (
    LOCAL_TIME,
    MAY_MAKE,
    last_of,
    program_asked_for,
    terms_form,
)
from referrals.models import ProgramTerms
from referrals.services.terms import tenures_of, time_in_words
from referrals.services.terms_in_words import CURRENCIES, differences, what_they_say
from referrals.services.what_if import (
    LONGEST,
    Fate,
    PeriodNotAllowed,
    Result,
    Tally,
    WhatIf,
    what_if,
)
from rewards.amounts import Currency

USUAL = timedelta(days=30)
FATES = {
    Fate.ATTRIBUTED: gettext_lazy("Attributed, at once or after being held"),
    Fate.HELD: gettext_lazy("Still held"),
    Fate.REJECTED: gettext_lazy("Rejected after being held"),
    Fate.REFUSED: gettext_lazy("Refused"),
    Fate.NOTHING: gettext_lazy("Nothing to claim: the invitation had expired"),
    Fate.STANDING: gettext_lazy("Nothing new: attributed by an earlier claim"),
}
REFUSALS = {
    "code_not_found": gettext_lazy("the code was not known or out of use"),
    "self_referral": gettext_lazy("one's own code"),
    "not_new_account": gettext_lazy("the account was not new"),
    "reciprocal_referral": gettext_lazy("the referrer was there later, or was invited by them"),
    "program_inactive": gettext_lazy("the program was not running"),
    "cap_reached": gettext_lazy("the referrer had reached a cap"),
    "attribution_rejected": gettext_lazy("an earlier attribution was rejected or reversed"),
    "already_attributed": gettext_lazy("attributed to somebody else already"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a count as it was, and as it would be."""

    label: str | Promise
    was: int
    would_be: int
    is_part: bool = False

    @property
    def shown(self) -> tuple[str, str]:
        return f"{self.was:,}", f"{self.would_be:,}"

    @property
    def difference(self) -> str:
        return f"{self.would_be - self.was:+,}" if self.would_be != self.was else "="


class PeriodForm(forms.Form):
    """Which past to replay."""

    since = forms.DateTimeField(
        label=gettext_lazy("From"),
        widget=forms.DateTimeInput(format=LOCAL_TIME, attrs={"type": "datetime-local"}),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("To"),
        widget=forms.DateTimeInput(format=LOCAL_TIME, attrs={"type": "datetime-local"}),
    )


class WhatIfPage(admin.ModelAdmin):  # type: ignore[type-arg]
    """The pages of a replay: of a version that was made, and of a draft."""

    def replay_version(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replay under a version that stands."""
        _require_permission(request)
        terms = ProgramTerms.objects.select_related("program").filter(pk=pk).first()
        if terms is None:
            raise Http404
        form = _period_form(request.GET)
        context = {
            "title": _("What if version %(number)s had been in force?") % {"number": terms.version},
            "crumb_address": page_of(terms),
            "crumb": terms,
            "differences": [],
        }
        return self._replay(request, terms, form, **context)

    def replay_draft(self, request: HttpRequest) -> HttpResponse:
        """Replay under what stands in the form of a new version, of which nothing is kept."""
        _require_permission(request)
        add = reverse("admin:referrals_programterms_add")
        program = program_asked_for(request)
        tenures = tenures_of(program=program, now=timezone.now())
        draft_form = terms_form(request, program, tenures)
        if request.method != "POST" or not draft_form.is_valid():
            return HttpResponseRedirect(f"{add}?{request.GET.urlencode()}")
        draft, last = draft_form.instance, last_of(tenures)
        draft.version = last.version + 1 if last else 1
        context = {
            "title": _("What if these terms had been in force?"),
            "crumb_address": page_of(program),
            "crumb": program,
            "preview_address": f"{add}?{request.GET.urlencode()}",
            "draft_form": draft_form,
            "seen": request.POST.get("seen", ""),
            "differences": differences(last, draft) if last else [],
            "last": last,
        }
        return self._replay(request, draft, _period_form(request.POST), **context)

    def _replay(
        self, request: HttpRequest, terms: ProgramTerms, form: PeriodForm, **context: Any
    ) -> HttpResponse:
        result = None
        if form.is_valid():
            try:
                result = what_if(terms=terms, now=timezone.now(), **form.cleaned_data)
            except PeriodNotAllowed as error:
                form.add_error(None, str(error))
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "terms": terms,
            "sentences": what_they_say(terms),
            "form": form,
            "longest": LONGEST.days,
            "media": self.media,
            **(_shown(result) if result else {}),
        }
        return TemplateResponse(request, "referrals/admin/what_if.html", {**shared, **context})


def _require_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(MAY_MAKE):
        raise PermissionDenied


def _period_form(sent: Any) -> PeriodForm:
    """Return the form as it was sent, else filled with the last 30 days."""
    if "since" in sent:
        return PeriodForm(sent)
    now = timezone.localtime().replace(second=0, microsecond=0, tzinfo=None)
    return PeriodForm({"since": now - USUAL, "until": now})


def _shown(result: WhatIf) -> dict[str, Any]:
    more_changes = result.changed - len(result.examples)
    return {
        "result": result,
        "claims_read": f"{result.claims_read:,}",
        "since": time_in_words(result.since),
        "until": time_in_words(result.cut_at or result.until),
        "tables": list(_tables(result.was, result.would_be)),
        "changes": _changes(result),
        "more_changes": more_changes,
        "more_shown": f"{more_changes:,}",
    }


def _tables(was: Tally, would_be: Tally) -> Iterator[tuple[str, list[Row]]]:
    yield _("What became of the claims"), list(_fates(was, would_be))
    yield (
        _("How far it went"),
        [
            Row(_("Held at first"), was.held_at_first, would_be.held_at_first),
            Row(_("Qualified"), was.qualified, would_be.qualified),
            Row(_("Referrer rewarded so far"), was.rewarded, would_be.rewarded),
            Row(_("Reversed since"), was.reversed, would_be.reversed),
        ],
    )
    yield _("Paid so far"), list(_paid(was, would_be))


def _fates(was: Tally, would_be: Tally) -> Iterator[Row]:
    yield Row(_("Claims"), was.claims, would_be.claims)
    for fate, label in FATES.items():
        row = Row(label, was.fates[fate], would_be.fates[fate])
        if row.was or row.would_be or fate in {Fate.ATTRIBUTED, Fate.HELD, Fate.REFUSED}:
            yield row
        if fate == Fate.REFUSED:
            for refusal in sorted(was.refusals | would_be.refusals):
                counts = was.refusals[refusal], would_be.refusals[refusal]
                yield Row(str(REFUSALS.get(refusal, refusal)), *counts, is_part=True)


def _paid(was: Tally, would_be: Tally) -> Iterator[Row]:
    sides = (
        (_("To referees, %(currency)s"), was.to_referees, would_be.to_referees),
        (_("To referrers, %(currency)s"), was.to_referrers, would_be.to_referrers),
    )
    for label, before, after in sides:
        for (currency, paid), (_same, would_pay) in zip(before, after, strict=True):
            if paid or would_pay:
                name = CURRENCIES[Currency(currency)]
                yield Row(label % {"currency": name}, paid, would_pay)


def _changes(result: WhatIf) -> list[dict[str, Any]]:
    outcomes = [side for change in result.examples for side in (change.was, change.would_be)]
    ids = {side.referrer_id for side in outcomes if side.referrer_id}
    referrers = User.objects.in_bulk(ids) if ids else {}
    return [
        {
            "at": change.at,
            "person": change.referee.known_as,
            "address": page_of(change.referee),
            "was": _told(change.was, referrers),
            "would_be": _told(change.would_be, referrers),
        }
        for change in result.examples
    ]


def _told(result: Result, referrers: dict[int, User]) -> str:
    """Say what a claim comes to."""
    if result.fate == Fate.REFUSED:
        return _("Refused: %(why)s.") % {"why": REFUSALS.get(result.refusal, result.refusal)}
    if result.fate == Fate.NOTHING or result.referrer_id is None:
        return str(FATES[result.fate])
    said = {"referrer": referrers[result.referrer_id].known_as}
    if result.accepted_at and result.ended_at:
        return _("Attributed to %(referrer)s, reversed since.") % said
    if result.rewarded_at:
        return _("Attributed to %(referrer)s, rewarded.") % said
    if result.qualified_at:
        return _("Attributed to %(referrer)s, qualified.") % said
    sentences = {
        Fate.ATTRIBUTED: _("Attributed to %(referrer)s."),
        Fate.HELD: _("Held for %(referrer)s."),
        Fate.REJECTED: _("Held for %(referrer)s, then rejected."),
        Fate.STANDING: _("Attributed to %(referrer)s already."),
    }
    return sentences[result.fate] % said
