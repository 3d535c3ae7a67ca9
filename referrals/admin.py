"""The back office of programs, codes, captures and attributions.

What has happened is read-only here: decisions on attributions are actions that ask for a reason.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    Program,
    ProgramTerms,
    QualifyingEvent,
    ReferralCode,
    TimelineEntry,
    UserDevice,
)
from referrals.services.attributions import (
    MoveNotAllowed,
    approve_attribution,
    reject_attribution,
    reverse_attribution,
)
from referrals.services.story import named, story_of
from rewards import services as rewards

PERSON_SEARCH = ("clerk_id", "email", "first_name", "last_name")


def search_by_person(*paths: str) -> tuple[str, ...]:
    """Return search fields for the people at `paths`, by how their ids and names begin."""
    return tuple(f"{path}__{field}__istartswith" for path in paths for field in PERSON_SEARCH)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Look, do not touch: no add, no change, no delete, for superusers neither."""

    class Media:
        css = {"all": ("referrals/admin.css",)}

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TermsInline(ReadOnlyInline):
    model = ProgramTerms
    fields = ("version", "effective_from", "referee", "referrer", "qualifying_event_type")
    readonly_fields = fields
    show_change_link = True

    @admin.display(description="referee gets")
    def referee(self, terms: ProgramTerms) -> str:
        return told(terms.referee_amounts)

    @admin.display(description="referrer gets")
    def referrer(self, terms: ProgramTerms) -> str:
        return told(terms.referrer_amounts)


def told(amounts: Any) -> str:
    """Return amounts in words, e.g. `1 stars, 50 coins`."""
    return ", ".join(f"{n} {currency.replace('_', ' ')}" for currency, n in amounts if n) or "—"


@admin.register(Program)
class ProgramAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Start and stop a program; its conditions are in its terms."""

    list_display = ("name", "slug", "is_default", "is_active", "starts_at", "ends_at")
    # Without a default program nobody new could be given a code, and so nobody could sign in.
    readonly_fields = ("is_default",)
    inlines = (TermsInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ProgramTerms)
class ProgramTermsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Versions of terms: a new one is added, begun from the last; none ever changes."""

    list_display = ("__str__", "effective_from", "referee", "referrer", "hold_days", "created_by")
    list_select_related = ("program", "created_by")
    list_filter = ("program",)
    exclude = ("version",)

    referee = TermsInline.referee
    referrer = TermsInline.referrer

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        last = ProgramTerms.objects.filter(program__is_default=True).order_by("-version").first()
        if last is None:
            return {}
        names = [field.name for field in ProgramTerms._meta.fields if field.editable]
        kept = {name: getattr(last, name) for name in names if name not in {"id", "version"}}
        return {**kept, "program": last.program_id, "effective_from": timezone.now()}

    def save_model(self, request: HttpRequest, obj: ProgramTerms, form: Any, change: bool) -> None:
        # Two who save at once get the same number; the unique key refuses the second.
        last = ProgramTerms.objects.filter(program=obj.program).order_by("-version").first()
        obj.version = last.version + 1 if last else 1
        obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ReferralCode)
class ReferralCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "owner", "program", "is_primary", "is_active", "created_at")
    list_select_related = ("owner", "program")
    list_filter = ("program", "is_active", "is_primary")
    search_fields = ("code__istartswith", *search_by_person("owner"))
    search_help_text = "How a code, Clerk id, e-mail address or name begins"
    ordering = ("-id",)
    actions = ("switch_off", "switch_on")

    @admin.action(description="Switch the selected codes off", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ReferralCode]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description="Switch the selected codes on", permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[ReferralCode]) -> None:
        self._switch(request, queryset, is_active=True)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.change_referralcode")

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[ReferralCode], *, is_active: bool
    ) -> None:
        for code in queryset.exclude(is_active=is_active):
            code.is_active = is_active
            code.save(update_fields=["is_active"])
            self.log_change(request, code, f"Switched {'on' if is_active else 'off'}.")
        self.message_user(request, "Done.", messages.SUCCESS)


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    list_display = ("code", "holder", "opened_at", "expires_at", "adopted_at", "closed_reason")
    list_select_related = ("code", "user", "browser_session")
    list_filter = ("closed_reason",)
    search_fields = ("code__code__istartswith", "=browser_session__id", *search_by_person("user"))
    search_help_text = "How a code, Clerk id, e-mail address or name begins; a browser session"
    ordering = ("-id",)

    @admin.display(description="held by")
    def holder(self, capture: Capture) -> str:
        return str(capture.user or f"browser session {capture.browser_session_id}")


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "device_id", "created_at", "adopted_by", "adopted_at")
    list_select_related = ("adopted_by",)
    search_fields = search_by_person("adopted_by")
    ordering = ("-created_at",)


@admin.register(UserDevice)
class UserDeviceAdmin(ReadOnlyAdmin):
    list_display = ("device_id", "user", "first_seen_at")
    list_select_related = ("user",)
    search_fields = search_by_person("user")
    ordering = ("-id",)


class ReasonForm(ActionForm):
    """The action bar's form, with the reason that every decision needs."""

    reason = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason, for the record", "size": 40}),
    )


class TimelineInline(ReadOnlyInline):
    model = TimelineEntry
    fields = ("at", "from_status", "to_status", "actor", "reason")


class DecisionInline(ReadOnlyInline):
    model = Decision
    fk_name = "attribution"
    fields = ("at", "outcome", "refusal", "rules")
    readonly_fields = ("rules",)

    @admin.display(description="rules")
    def rules(self, decision: Decision) -> SafeString:
        return rules_table(decision)


def rules_table(decision: Decision) -> SafeString:
    """Show each rule's verdict and reason."""
    row = '<tr><td class="verdict {}">{}</td><td>{}</td><td>{}</td></tr>'
    rows = (
        (e["verdict"], e["verdict"], e["rule"].replace("_", " "), e["reason"])
        for e in decision.evaluations
    )
    return format_html('<table class="rules">{}</table>', format_html_join("", row, rows))


@admin.register(Attribution)
class AttributionAdmin(ReadOnlyAdmin):
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


def page_of(row: Model) -> str:
    """Return the address of a row's page in the admin."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def person_link(user: User) -> SafeString:
    """Link to a person's page."""
    return format_html('<a href="{}">{}</a>', page_of(user), named(user))


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
