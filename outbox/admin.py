"""The outbox in the admin: what the web app was, is to be, or could not be told."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import search
from backoffice.lists import ReadOnlyAdmin
from outbox.models import OutboxMessage
from outbox.services import send_again

SHORT = 60
"""How much of a failure the list shows; the page has all of it."""


class StateFilter(admin.SimpleListFilter):
    """Waiting, sent or given up."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", _("waiting")), ("given_up", _("given up")), ("sent", _("sent"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[OutboxMessage]
    ) -> QuerySet[OutboxMessage]:
        fields = {"waiting": "due_at", "given_up": "given_up_at", "sent": "sent_at"}
        field = fields.get(self.value() or "")
        return queryset.filter(**{f"{field}__isnull": False}) if field else queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """What was told to the web app, or is to be. Read-only, but for sending again."""

    list_display = ("created_at", "type", "state", "attempts", "told_failure")
    exported_as = {"told_failure": ("failure",)}
    export_also = ("sequence", "due_at")
    fields = (
        *("id", "sequence", "type", "data", "created_at", "attempts", "due_at", "sent_at"),
        *("given_up_at", "failure"),
    )
    list_filter = (StateFilter,)
    finders = (search.uuid("id"),)
    search_help_text = gettext_lazy("A whole event id")
    ordering = ("-id",)
    actions = ("send_again",)

    @admin.display(description=gettext_lazy("state"))
    def state(self, message: OutboxMessage) -> str:
        if message.sent_at:
            return _("sent")
        return _("given up") if message.given_up_at else _("waiting")

    @admin.display(description=gettext_lazy("failure"))
    def told_failure(self, message: OutboxMessage) -> str:
        return Truncator(message.failure).chars(SHORT)

    @admin.action(
        description=gettext_lazy("Send the selected messages again, unless they were sent"),
        permissions=["send"],
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = list(queryset)
        done = send_again(chosen, now=timezone.now())
        for message in chosen:
            if message.sent_at is None:
                self.log_change(request, message, "To be sent again.")
        told = {"done": done, "chosen": len(chosen)}
        told_staff = _("%(done)d of %(chosen)d will be sent again within a minute.") % told
        self.message_user(request, told_staff, messages.SUCCESS)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may change messages, were they not read-only, may have them sent again."""
        return request.user.has_perm("outbox.change_outboxmessage")
