"""What was issued in a period is read from these, without a row."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while the table is written to.
    atomic = False

    dependencies = [
        ("rewards", "0006_grant_requests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("house", "issued")),
                fields=["transaction"],
                include=("currency", "amount"),
                name="entry_issued",
            ),
        ),
        AddIndexConcurrently(
            model_name="transaction",
            index=models.Index(
                fields=["-created_at", "-id"],
                include=("kind", "reverses"),
                name="transaction_by_time",
            ),
        ),
        AddIndexConcurrently(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("reverses__isnull", False)),
                fields=["created_at"],
                name="transaction_reversals",
            ),
        ),
        RemoveIndexConcurrently(
            model_name="transaction",
            name="transaction_newest",
        ),
    ]
