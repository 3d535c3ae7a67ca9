"""What of the inbox is not finished, by age."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while the table is written to.
    atomic = False

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="webhookreceipt",
            index=models.Index(
                condition=models.Q(("processed_at__isnull", True)),
                fields=["received_at"],
                include=("status",),
                name="webhook_receipt_unfinished",
            ),
        ),
    ]
