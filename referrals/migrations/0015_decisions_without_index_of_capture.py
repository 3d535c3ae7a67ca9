"""A decision's capture is the referee's own, and so found by the referee.

An index by capture was one more to keep for each claim, and for each decision that is untied from a
capture which has expired.
"""

import django.db.models.deletion
from django.db import migrations, models

INDEX = "referrals_decision_capture_id_26ac8c95"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("referrals", "0014_decisions_with_address")]

    operations = [
        migrations.RunSQL(
            f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
            f"CREATE INDEX CONCURRENTLY {INDEX} ON referrals_decision (capture_id)",
            state_operations=[
                migrations.AlterField(
                    model_name="decision",
                    name="capture",
                    field=models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="referrals.capture",
                        verbose_name="capture",
                    ),
                )
            ],
        )
    ]
