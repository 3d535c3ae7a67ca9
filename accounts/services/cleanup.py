"""What Clerk delivered, once it is worked and old: first the content goes, then the receipt."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import WebhookReceipt


def old_receipts(now: datetime, *, age: timedelta) -> QuerySet[WebhookReceipt]:
    """Return deliveries that were finished before `now - age`.

    Once a receipt is gone, a repeat of its delivery is taken as new.
    """
    # Whatever was finished by then had come by then, and that is what there is an index of.
    return WebhookReceipt.objects.filter(processed_at__lte=now - age, received_at__lte=now - age)


def old_payloads(now: datetime, *, age: timedelta) -> QuerySet[WebhookReceipt]:
    """Return those of them whose content is still there."""
    return old_receipts(now, age=age).filter(payload__isnull=False)
