"""An attribution that staff moved to another referrer names the one that it replaces."""

import django.contrib.postgres.operations
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0003_default_program")]

    operations = [
        migrations.AlterModelOptions(
            name="attribution",
            options={
                "permissions": [
                    ("decide_attribution", "Can approve and reject held attributions"),
                    ("reverse_attribution", "Can reverse attributions and their rewards"),
                    ("move_attribution", "Can move attributions to another referrer"),
                ]
            },
        ),
        migrations.AddField(
            model_name="attribution",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The attribution to another referrer that staff moved here.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replacements",
                to="referrals.attribution",
            ),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="attribution",
            constraint=models.CheckConstraint(
                condition=models.Q(("replaces", models.F("id")), _negated=True),
                name="attribution_does_not_replace_itself",
            ),
        ),
    ]
