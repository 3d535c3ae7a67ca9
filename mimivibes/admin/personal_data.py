"""A person's data as a file, from their page: for who may see personal data, and on record."""

from collections.abc import Iterator
from typing import cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.utils import timezone

from accounts.models import User
from backoffice.export import MAY_SEE_PERSONAL_DATA
from mimivibes.personal_data.export import PersonExport

MAY_EXPORT = (
    MAY_SEE_PERSONAL_DATA,
    "accounts.view_user",
    "accounts.view_webhookreceipt",
    "referrals.view_attribution",
    "rewards.view_transaction",
)
"""To get all in one file one must be allowed to see each of it."""


def may_export(request: HttpRequest) -> bool:
    return request.user.has_perms(MAY_EXPORT)


def export_person(request: HttpRequest, object_id: int) -> HttpResponseBase:
    """Send all that is held about a person, as `manage.py export_user` writes it."""
    if not may_export(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    person = User.objects.filter(clerk_id__isnull=False, pk=object_id).first()
    if person is None:
        raise Http404
    export = PersonExport(person, now=timezone.now())
    response = StreamingHttpResponse(_logged(export, request), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    return response


def _logged(export: PersonExport, request: HttpRequest) -> Iterator[str]:
    """Note the export in the admin's log when it begins, and how it ended."""
    entry = LogEntry.objects.log_actions(
        cast(int, request.user.pk),
        [export.user],
        CHANGE,
        "Export of personal data begun.",
        single_object=True,
    )
    is_complete = False
    try:
        yield from export.chunks()
        is_complete = True
    finally:
        rows = sum(export.rows.values())
        done = "Personal data exported:" if is_complete else "Export of personal data stopped after"
        entry.change_message = f"{done} {rows} rows."
        entry.save(update_fields=["change_message"])
