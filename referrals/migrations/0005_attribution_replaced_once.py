"""One replacement of an attribution stands at a time; made without stopping claims meanwhile."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models

ONE_STANDS = "attribution_live_replacement_is_one"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("referrals", "0004_attribution_replaces")]

    operations = [
        ValidateConstraint(model_name="attribution", name="attribution_does_not_replace_itself"),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                condition=models.Q(("replaces__isnull", False)),
                fields=["replaces"],
                name="attribution_by_replaced",
            ),
        ),
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY {ONE_STANDS} ON referrals_attribution (replaces_id)"
            " WHERE replaces_id IS NOT NULL"
            " AND status IN ('held', 'pending', 'qualified', 'rewarded')",
            f"DROP INDEX CONCURRENTLY {ONE_STANDS}",
            state_operations=[
                migrations.AddConstraint(
                    model_name="attribution",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(
                            ("replaces__isnull", False),
                            ("status__in", ("held", "pending", "qualified", "rewarded")),
                        ),
                        fields=("replaces",),
                        name=ONE_STANDS,
                    ),
                )
            ],
        ),
    ]
