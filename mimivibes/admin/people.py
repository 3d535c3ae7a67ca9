"""People as staff see them, and the accounts of staff."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from backoffice import search
from backoffice.corrections import CorrectableAdmin
from mimivibes.admin.person import page_of_person
from mimivibes.admin.personal_data import export_person, may_export
from referrals.admin.corrections import ATTRIBUTE
from referrals.admin.links import codes
from rewards.admin.corrections import GRANT, TAKE_BACK

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


class WithUsername(forms.ModelForm):  # type: ignore[type-arg]
    """Staff have a name to sign in by, which people, in the same table, have not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "username" in self.fields:
            self.fields["username"].required = True


class StaffCreationForm(WithUsername, AdminUserCreationForm):  # type: ignore[type-arg]
    """Make an account that signs in here by username and password."""

    class Meta:
        model = User
        fields = ("username",)

    def save(self, commit: bool = True) -> User:
        self.instance.is_staff = True
        user: User = super().save(commit=commit)
        return user


class StaffChangeForm(WithUsername, UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")


class IsStaffAccount(admin.SimpleListFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("people", _("People")), ("staff", _("Staff")), ("gone", _("Deleted or banned"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() == "people":
            return queryset.filter(clerk_id__isnull=False)
        if self.value() == "staff":
            return queryset.filter(is_staff=True)
        if self.value() == "gone":
            return queryset.filter(Q(deleted_at__isnull=False) | Q(banned_at__isnull=False))
        return queryset


@admin.register(User)
class PersonAdmin(CorrectableAdmin, UserAdmin):  # type: ignore[type-arg]
    """Inspect people, whose data is Clerk's to change; manage staff accounts.

    Nobody is deleted here: people are erased when Clerk deletes them, staff are made inactive.
    """

    add_form = StaffCreationForm
    form = StaffChangeForm
    list_display = ("__str__", "first_name", "last_name", "email", "state", "created_at")
    list_filter = (IsStaffAccount,)
    finders = (search.people_themselves, codes("pk", key="owner"))
    search_help_text = gettext_lazy(
        "A Clerk id, e-mail address, name, username or code, or how one of them begins"
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    export_also = (
        "clerk_id", "username", "email_verified", "image_url", "account_created_at",
        "banned_at", "deleted_at",
    )  # fmt: skip
    corrections = (ATTRIBUTE, GRANT, TAKE_BACK)
    fieldsets = (
        (None, {"fields": PROFILE_FIELDS}),
        (
            gettext_lazy("Staff"),
            {"fields": ("username", "password", "is_active", "is_staff", "is_superuser")},
        ),
        (gettext_lazy("Roles"), {"fields": ("groups", "user_permissions")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "password1", "password2")}),
    )
    readonly_fields = PROFILE_FIELDS
    change_form_template = "mimivibes/admin/person.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(export_person)
        name = "accounts_user_personal_data"
        return [path("<int:object_id>/personal-data/", view, name=name), *super().get_urls()]

    @admin.display(description=gettext_lazy("state"))
    def state(self, user: User) -> str:
        if user.deleted_at:
            return _("deleted")
        if user.banned_at:
            return _("banned")
        return _("staff") if user.is_staff else _("active")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Tell the story of a person; a member of staff, who is nobody's referee, has none."""
        person = context.get("original")
        if person is not None and person.clerk_id:
            context |= page_of_person(person, request=request, now=timezone.now())
            context["may_export_person"] = may_export(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def name_of(self, subject: Any) -> str:
        return str(subject.known_as)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj and not obj.username:  # all that is known of them is told on the page
            return ()
        return fieldsets[1:] if obj else fieldsets

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
