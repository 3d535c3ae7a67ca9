"""Who invited whom: the story of each, and what staff decide of it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.lists import ReadOnlyAdmin
from referrals.admin.corrections import CORRECTIONS
from referrals.admin.filters import ProgramFilter
from referrals.admin.links import codes
from referrals.admin.queue import QueueAdmin
from referrals.models import Attribution
from referrals.services.story import invitation, story_of
from rewards.wording import signed


@admin.register(Attribution)
class AttributionAdmin(ReadOnlyAdmin, QueueAdmin):
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

    @admin.display(description=gettext_lazy("held for"))
    def held_for(self, attribution: Attribution) -> str:
        waits = {_("account age"): attribution.awaits_age, _("review"): attribution.awaits_review}
        return ", ".join(name for name, waiting in waits.items() if waiting) or "—"

    @admin.display(description=gettext_lazy("referee"), ordering="referee")
    def referee_name(self, attribution: Attribution) -> str:
        return attribution.referee.known_as

    @admin.display(description=gettext_lazy("referrer"), ordering="referrer")
    def referrer_name(self, attribution: Attribution) -> str:
        return attribution.referrer.known_as

    def name_of(self, subject: Any) -> str:
        return invitation(subject)

    def get_fieldsets(self, request: HttpRequest, obj: Attribution | None = None) -> Any:
        """Leave it to the story to show the fields."""
        return ()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        attribution = context["original"]
        story = story_of(user=attribution.referee, now=timezone.now(), about=attribution)
        to_referee, to_referrer = story.paid
        names = {"referee": attribution.referee.known_as, "referrer": attribution.referrer.known_as}
        context |= {
            "title": invitation(attribution),
            "subtitle": None,
            "story": story,
            "attribution": story.attribution,
            "names": names,
            "to_referee": signed(to_referee),
            "to_referrer": signed(to_referrer),
        }
        return super().render_change_form(request, context, *args, **kwargs)
