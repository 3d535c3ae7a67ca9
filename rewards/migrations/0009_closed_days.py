"""What was issued on a day that is over is kept, and read without the ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0008_large_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="IssuedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "kinds",
                    models.JSONField(
                        default=dict,
                        help_text="For each kind of transaction, the amounts given and taken back.",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("begins_at__lt", models.F("ends_at"))),
                        name="issuedday_begins_before_it_ends",
                    ),
                    models.UniqueConstraint(
                        fields=("begins_at", "ends_at"), name="issuedday_is_one"
                    ),
                ],
            },
        ),
    ]
