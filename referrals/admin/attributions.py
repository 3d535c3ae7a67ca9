"""Who invited whom: the story of each, and what staff decide of it."""

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.lists import ReadOnlyAdmin, ReadOnlyInline
from referrals.admin.corrections import CORRECTIONS
from referrals.admin.decisions import DecisionInline
from referrals.admin.links import page_of, person_link, search_by_person
from referrals.admin.queue import QueueAdmin
from referrals.models import Attribution, TimelineEntry
from referrals.services.story import named, story_of


class TimelineInline(ReadOnlyInline):
    model = TimelineEntry
    fields = ("at", "from_status", "to_status", "actor", "reason")


@admin.register(Attribution)
class AttributionAdmin(ReadOnlyAdmin, QueueAdmin):
    """Who invited whom: the story of each, and the decisions that staff take."""

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
    list_filter = ("status", "awaits_review", "awaits_age", "terms__program")
    search_fields = ("code__code__istartswith", *search_by_person("referee", "referrer"))
    search_help_text = "How a code, Clerk id, e-mail address or name begins"
    date_hierarchy = "claimed_at"
    ordering = ("-claimed_at",)
    fields = (
        "id", "status", "held_for", "referee_link", "referrer_link", "code", "terms", "capture",
        "claimed_at", "qualified_at", "release_at", "rewarded_at", "story",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (TimelineInline, DecisionInline)
    corrections = CORRECTIONS

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

    @admin.display(description="referee")
    def referee_link(self, attribution: Attribution) -> SafeString:
        return person_link(attribution.referee)

    @admin.display(description="referrer")
    def referrer_link(self, attribution: Attribution) -> SafeString:
        return person_link(attribution.referrer)

    @admin.display(description="story")
    def story(self, attribution: Attribution) -> SafeString:
        story = story_of(user=attribution.referee, now=timezone.now())
        rows = (
            (line.at.strftime("%Y-%m-%d %H:%M:%S"), page_of(line.about), line.text)
            for line in story.lines
        )
        row = '<tr><td>{}</td><td><a href="{}">{}</a></td></tr>'
        return format_html('<table class="story">{}</table>', format_html_join("", row, rows))
