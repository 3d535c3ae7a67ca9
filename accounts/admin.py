"""The back office of API keys and the webhook inbox."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiKey, WebhookReceipt
from accounts.services import PayloadGone, WebhookWorkFailed, replay_webhook, revoke_api_key
from backoffice.lists import ReadOnlyAdmin
from backoffice.refusals import refusal_told


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """See and revoke keys; `manage.py create_api_key` makes them. The hash is never shown."""

    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
    search_fields = ("name", "prefix")
    fields = list_display
    readonly_fields = list_display
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            if revoke_api_key(api_key=key, now=timezone.now()):
                self.log_change(request, key, "Revoked.")
        self.message_user(request, "They are refused from now on.", messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin):
    """The inbox: what Clerk delivered, what became of it and why. Read-only, but for replay."""

    list_display = ("svix_id", "type", "clerk_id", "status", "attempts", "received_at", "reason")
    list_filter = ("status", "type")
    search_fields = ("svix_id__exact", "clerk_id__exact")
    search_help_text = "A whole svix-id or Clerk id"
    ordering = ("-received_at",)
    actions = ("replay",)

    @admin.action(description="Replay the selected deliveries", permissions=["replay"])
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
        self.message_user(request, f"{receipt}: {outcome}", messages.SUCCESS)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Who may change receipts, were they not read-only, may replay them."""
        return request.user.has_perm("accounts.change_webhookreceipt")
