"""Lists of the ledger, filtered or not, are read in the order of an index."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("rewards", "0007_indexes_of_the_dashboard"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="balance",
            index=models.Index(fields=["currency", "-id"], name="balance_by_currency"),
        ),
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(fields=["currency", "-id"], name="entry_by_currency"),
        ),
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("house", ""), _negated=True),
                fields=["house", "-id"],
                name="entry_by_house",
            ),
        ),
        AddIndexConcurrently(
            model_name="transaction",
            index=models.Index(fields=["kind", "-created_at", "-id"], name="transaction_by_kind"),
        ),
    ]
