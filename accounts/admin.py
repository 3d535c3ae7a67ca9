"""The back office of people, API keys and the webhook inbox."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiKey, User, WebhookReceipt
from accounts.services import PayloadGone, WebhookWorkFailed, replay_webhook, revoke_api_key

PROFILE_FIELDS = (
    "clerk_id",
    "email",
    "email_verified",
    "first_name",
    "last_name",
    "image_url",
    "account_created_at",
    "clerk_updated_at",
    "created_at",
    "banned_at",
    "deleted_at",
)


RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


class StaffCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """Make an account that signs in here by username and password."""

    class Meta:
        model = User
        fields = ("username",)

    def save(self, commit: bool = True) -> User:
        self.instance.is_staff = True
        user: User = super().save(commit=commit)
        return user


class StaffChangeForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")


class IsStaffAccount(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("people", "People"), ("staff", "Staff"), ("gone", "Deleted or banned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() == "people":
            return queryset.filter(clerk_id__isnull=False)
        if self.value() == "staff":
            return queryset.filter(is_staff=True)
        if self.value() == "gone":
            return queryset.exclude(deleted_at=None, banned_at=None)
        return queryset


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """Inspect people, whose data is Clerk's to change; manage staff accounts.

    Nobody is deleted here: people are erased by `manage.py erase_user`, staff made inactive.
    """

    add_form = StaffCreationForm
    form = StaffChangeForm
    list_display = ("__str__", "first_name", "last_name", "email", "state", "created_at")
    list_filter = (IsStaffAccount,)
    search_fields = ("^clerk_id", "^email", "^first_name", "^last_name", "^username")
    search_help_text = "How a Clerk id, e-mail address, name or username begins"
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": PROFILE_FIELDS}),
        ("Staff", {"fields": ("username", "password", "is_active", "is_staff", "is_superuser")}),
        ("Roles", {"fields": ("groups", "user_permissions")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "password1", "password2")}),
    )
    readonly_fields = PROFILE_FIELDS

    @admin.display(description="state")
    def state(self, user: User) -> str:
        if user.deleted_at:
            return "deleted"
        if user.banned_at:
            return "banned"
        return "staff" if user.is_staff else "active"

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets[:1] if obj and not obj.username else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Let superusers alone hand out rights: whoever else could would give themselves all."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse people, whose data is Clerk's, and to others the accounts of superusers."""
        if obj and (not obj.username or (obj.is_superuser and not _is_superuser(request))):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


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
class WebhookReceiptAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The inbox: what Clerk delivered, what became of it and why. Read-only, but for replay."""

    list_display = ("svix_id", "type", "clerk_id", "status", "attempts", "received_at", "reason")
    list_filter = ("status", "type")
    search_fields = ("svix_id__exact", "clerk_id__exact")
    search_help_text = "A whole svix-id or Clerk id"
    ordering = ("-received_at",)
    show_full_result_count = False
    list_per_page = 50
    actions = ("replay",)

    @admin.action(description="Replay the selected deliveries", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookReceipt]) -> None:
        for receipt in queryset.order_by("received_at"):
            self._replay(request, receipt)

    def _replay(self, request: HttpRequest, receipt: WebhookReceipt) -> None:
        try:
            outcome = replay_webhook(receipt=receipt, now=timezone.now())
        except (PayloadGone, WebhookWorkFailed) as error:
            self.message_user(request, f"{receipt}: {type(error).__doc__}", messages.ERROR)
            return
        finally:
            self.log_change(request, receipt, "Replayed.")
        self.message_user(request, f"{receipt}: {outcome}", messages.SUCCESS)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Who may change receipts, were they not read-only, may replay them."""
        return request.user.has_perm("accounts.change_webhookreceipt")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: WebhookReceipt | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: WebhookReceipt | None = None
    ) -> bool:
        return False
