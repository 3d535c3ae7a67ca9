"""How far invitations came on a day that is over is kept, and read without counting again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0010_large_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="FunnelDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("opened", models.IntegerField()),
                ("adopted", models.IntegerField()),
                ("claimed", models.IntegerField()),
                ("qualified", models.IntegerField()),
                ("rewarded", models.IntegerField()),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="referrals.program",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("begins_at__lt", models.F("ends_at"))),
                        name="funnelday_begins_before_it_ends",
                    ),
                    models.UniqueConstraint(
                        fields=("begins_at", "ends_at", "program"),
                        name="funnelday_is_one_per_program",
                    ),
                ],
            },
        ),
    ]
