"""Who invited whom: the story of each, and what staff decide of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.corrections import CorrectableAdmin
from backoffice.lists import ReadOnlyAdmin
from referrals.admin.corrections import CORRECTIONS
from referrals.admin.filters import ProgramFilter
from referrals.admin.links import codes
from referrals.models import Attribution
from referrals.services.attributions import (
    MoveNotAllowed,
    approve_attribution,
    reject_attribution,
    reverse_attribution,
)
from referrals.services.story import named, story_of, told
from rewards import services as rewards


class ReasonForm(ActionForm):
    """The action bar's form, with the reason that every decision needs."""

    reason = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason, for the record", "size": 40}),
    )


@admin.register(Attribution)
class AttributionAdmin(ReadOnlyAdmin, CorrectableAdmin):
    """Who invited whom: the story of each, and the decisions that staff take.

    A row's page is its story, told by `referrals.services.story`.
    """

    list_display = (
        "referee_name",
        "referrer_name",
        "code",
        "status",
        "held_for",
        "claimed_at",
        "rewarded_at",
    )
    list_select_related = ("referee", "referrer", "code")
    list_filter = ("status", "awaits_review", "awaits_age", ProgramFilter)
    finders = (search.people("referee", "referrer"), codes("code"), search.uuid("id"))
    search_help_text = gettext_lazy(
        "A person (Clerk id, e-mail address, name), a code, or how one of them begins; an id"
    )
    sortable_by = ("claimed_at",)
    personal_columns = ("referee_name", "referrer_name")
    date_hierarchy = "claimed_at"
    ordering = ("-claimed_at",)
    change_form_template = "referrals/admin/attribution.html"
    corrections = CORRECTIONS
    action_form = ReasonForm
    actions = ("approve", "reject", "reverse", "claw_back")

    @admin.display(description="held for")
    def held_for(self, attribution: Attribution) -> str:
        waits = {"account age": attribution.awaits_age, "review": attribution.awaits_review}
        return ", ".join(name for name, waiting in waits.items() if waiting) or "—"

    @admin.display(description="referee", ordering="referee")
    def referee_name(self, attribution: Attribution) -> str:
        return named(attribution.referee)

    @admin.display(description="referrer", ordering="referrer")
    def referrer_name(self, attribution: Attribution) -> str:
        return named(attribution.referrer)

    def get_fieldsets(self, request: HttpRequest, obj: Attribution | None = None) -> Any:
        """Leave it to the story to show the fields."""
        return ()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        attribution = context["original"]
        story = story_of(user=attribution.referee, now=timezone.now(), about=attribution)
        to_referee, to_referrer = story.paid
        names = {"referee": named(attribution.referee), "referrer": named(attribution.referrer)}
        context |= {
            "title": _("Invitation of %(referee)s by %(referrer)s") % names,
            "subtitle": None,
            "story": story,
            "attribution": story.attribution,
            "names": names,
            "to_referee": told(to_referee),
            "to_referrer": told(to_referrer),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Approve what is held", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> None:
        self._decide(request, queryset, approve_attribution, "approved")

    @admin.action(description="Reject what is held", permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> None:
        self._decide(request, queryset, reject_attribution, "rejected")

    @admin.action(description="Reverse, with the rewards", permissions=["reverse"])
    def reverse(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> None:
        self._decide(request, queryset, reverse_attribution, "reversed")

    @admin.action(description="Reverse, taking back what is left", permissions=["reverse"])
    def claw_back(self, request: HttpRequest, queryset: QuerySet[Attribution]) -> None:
        verb = partial(reverse_attribution, claw_back=True)
        self._decide(request, queryset, verb, "reversed, with a claw-back")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.decide_attribution")

    def has_reverse_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.reverse_attribution")

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Attribution],
        verb: Callable[..., Attribution],
        done: str,
    ) -> None:
        """Apply `verb` to each, one transaction for each, and tell what could not be done."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Give a reason, then try again.", messages.ERROR)
            return
        for attribution in queryset:
            try:
                verb(
                    attribution=attribution,
                    actor=f"staff:{request.user.get_username()}",
                    reason=reason,
                    now=timezone.now(),
                )
            except (MoveNotAllowed, rewards.InsufficientBalance, rewards.AlreadyReversed) as error:
                told_why = str(error) or error.__doc__ or ""
                self.message_user(request, f"{attribution}: {told_why}", messages.ERROR)
            else:
                self.log_change(request, attribution, f"{done.capitalize()}: {reason}")
                self.message_user(request, f"{attribution}: {done}.", messages.SUCCESS)
