"""The names of models, fields and choices as staff read them: no table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0001_sign_in_attempts"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="secondfactor",
            options={"verbose_name": "second factor", "verbose_name_plural": "second factors"},
        ),
        migrations.AlterModelOptions(
            name="signinattempts",
            options={"verbose_name": "sign-in attempts", "verbose_name_plural": "sign-in attempts"},
        ),
    ]
