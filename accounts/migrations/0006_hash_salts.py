"""A random salt for each day, in place of one that follows from the secret key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_names_for_staff"),
    ]

    operations = [
        migrations.CreateModel(
            name="HashSalt",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("value", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "hash salt",
                "verbose_name_plural": "hash salts",
            },
        ),
    ]
