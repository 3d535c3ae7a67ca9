"""An attribution, and a decision, refer to a capture of their own referee.

The foreign key holds the person too. So nobody is ever attributed by somebody else's capture; and
PostgreSQL knows that nothing refers to a visitor's capture, which is nobody's yet: to delete one
costs no check, and these are most of what the clean-up deletes. What an attribution stands on
cannot be deleted; a decision loses its link.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def key(table: str, name: str, on_delete: str) -> list[migrations.RunSQL]:
    """Add the foreign key without checking what is there, then check it without blocking anybody."""
    return [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (capture_id, referee_id)"
            f" REFERENCES referrals_capture (id, user_id) ON DELETE {on_delete}"
            " DEFERRABLE INITIALLY DEFERRED NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        ),
        migrations.RunSQL(
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop
        ),
    ]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0012_names_for_staff"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            # An earlier try may have got as far as any of these, and an index that it left is not
            # valid.
            [
                "ALTER TABLE referrals_decision"
                " DROP CONSTRAINT IF EXISTS decision_capture_is_the_referees",
                "ALTER TABLE referrals_attribution"
                " DROP CONSTRAINT IF EXISTS attribution_capture_is_the_referees",
                "ALTER TABLE referrals_capture DROP CONSTRAINT IF EXISTS capture_is_of_one_user",
                "DROP INDEX CONCURRENTLY IF EXISTS capture_is_of_one_user",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY capture_is_of_one_user"
            " ON referrals_capture (id, user_id)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "ALTER TABLE referrals_capture ADD CONSTRAINT capture_is_of_one_user"
            " UNIQUE USING INDEX capture_is_of_one_user",
            "ALTER TABLE referrals_capture DROP CONSTRAINT capture_is_of_one_user",
            state_operations=[
                migrations.AddConstraint(
                    model_name="capture",
                    constraint=models.UniqueConstraint(
                        fields=["id", "user"], name="capture_is_of_one_user"
                    ),
                )
            ],
        ),
        *key("referrals_attribution", "attribution_capture_is_the_referees", "RESTRICT"),
        *key("referrals_decision", "decision_capture_is_the_referees", "SET NULL (capture_id)"),
        migrations.AlterField(
            model_name="attribution",
            name="capture",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attributions",
                to="referrals.capture",
                verbose_name="capture",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="capture",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="referrals.capture",
                verbose_name="capture",
            ),
        ),
    ]
