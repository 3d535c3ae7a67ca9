"""The back office of API keys and the webhook inbox."""

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey, User, WebhookReceipt
from accounts.services import (
    PayloadGone,
    WebhookWorkFailed,
    reason_told,
    replay_webhook,
    revoke_api_key,
)
from backoffice import search
from backoffice.filters import ValuesFilter
from backoffice.lists import ListAdmin, ReadOnlyAdmin
from backoffice.refusals import refusal_told

OUTCOMES = {
    "processed": gettext_lazy("processed"),
    "ignored": gettext_lazy("ignored"),
    "duplicate": gettext_lazy("duplicate"),
}


@admin.register(ApiKey)
class ApiKeyAdmin(ListAdmin):
    """See and revoke keys; `manage.py create_api_key` makes them. The hash is never shown."""

    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    finders = (search.begins_in_any_case("name", "prefix"),)
    date_hierarchy = "created_at"
    sortable_by = ("name", "created_at", "last_used_at")
    fields = list_display
    readonly_fields = list_display
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            if revoke_api_key(api_key=key, now=timezone.now()):
                self.log_change(request, key, "Revoked.")
        self.message_user(request, _("They are refused from now on."), messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False


def about_people(term: search.Term) -> Q:
    """Find deliveries by the people whom they are about."""
    ids = User.objects.filter(pk__in=term.people, clerk_id__isnull=False)
    return Q(clerk_id__in=list(ids.values_list("clerk_id", flat=True)))


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin):
    """The inbox: what Clerk delivered, what became of it and why. Read-only, but for replay."""

    list_display = ("svix_id", "type", "clerk_id", "status", "attempts", "received_at", "why")
    exclude = ("reason",)
    readonly_fields = ("why",)
    exported_as = {"why": ("reason",)}
    list_filter = ("status", ("type", ValuesFilter))
    finders = (search.exactly("svix_id", "clerk_id"), about_people)
    search_help_text = gettext_lazy(
        "A whole svix-id; a person (Clerk id, e-mail address, name) or how one begins"
    )
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
    sortable_by = ("received_at",)
    actions = ("replay",)

    @admin.action(
        description=gettext_lazy("Replay the selected deliveries"), permissions=["replay"]
    )
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookReceipt]) -> None:
        for receipt in queryset.order_by("received_at"):
            self._replay(request, receipt)

    def _replay(self, request: HttpRequest, receipt: WebhookReceipt) -> None:
        try:
            outcome = replay_webhook(receipt=receipt, now=timezone.now())
        except (PayloadGone, WebhookWorkFailed) as error:
            self.message_user(request, f"{receipt}: {refusal_told(error)}", messages.ERROR)
            return
        finally:
            self.log_change(request, receipt, "Replayed.")
        told = {"what": receipt, "outcome": OUTCOMES[outcome]}
        self.message_user(request, _("%(what)s: %(outcome)s") % told, messages.SUCCESS)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, receipt: WebhookReceipt) -> str:
        return reason_told(receipt) or "-"

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Who may change receipts, were they not read-only, may replay them."""
        return request.user.has_perm("accounts.change_webhookreceipt")
