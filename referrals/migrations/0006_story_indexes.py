"""Indexes for what the pages of a person and of a code look up."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("referrals", "0005_attribution_replaced_once")]

    operations = [
        AddIndexConcurrently(
            "browsersession",
            models.Index(fields=["device_id", "-created_at"], name="browser_session_of_device"),
        ),
        AddIndexConcurrently(
            "capture",
            models.Index(
                condition=models.Q(("closed_at__isnull", True), ("user__isnull", True)),
                fields=["code", "-opened_at"],
                name="capture_of_nobody_yet",
            ),
        ),
    ]
