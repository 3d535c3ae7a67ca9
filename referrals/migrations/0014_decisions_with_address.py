"""The clean-up finds decisions whose network address has had its time, and no others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("referrals", "0013_captures_of_the_referee")]

    operations = [
        AddIndexConcurrently(
            "decision",
            models.Index(
                fields=["at", "id"],
                condition=~models.Q(address_hash=""),
                name="decision_with_address",
            ),
        )
    ]
