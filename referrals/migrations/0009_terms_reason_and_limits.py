"""Why a version of terms was made, and its limits in the database."""

import django.core.validators
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0008_decisions_by_holding_rule"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="programterms",
            name="reason",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Why staff made this version.",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="capture_days",
            field=models.PositiveIntegerField(
                default=30,
                help_text="Days for which an opened invitation is kept.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="claim_days",
            field=models.PositiveIntegerField(
                default=7,
                help_text="Days after Clerk made the account in which its owner may claim.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="daily_cap",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Most claims for one referrer in 24 hours; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="hold_days",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Days between qualification and the referrer's reward.",
                validators=[django.core.validators.MaxValueValidator(3650)],
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="qualifying_event_count",
            field=models.PositiveIntegerField(
                default=1, validators=[django.core.validators.MinValueValidator(1)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_coins",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_exp",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_free_points",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_stars",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_coins",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_exp",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_free_points",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_stars",
            field=models.PositiveIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(1000000000)]
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="total_cap",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Most live attributions for one referrer; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="programterms",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("referee_coins__lte", 1000000000),
                    ("referee_exp__lte", 1000000000),
                    ("referee_free_points__lte", 1000000000),
                    ("referee_stars__lte", 1000000000),
                    ("referrer_coins__lte", 1000000000),
                    ("referrer_exp__lte", 1000000000),
                    ("referrer_free_points__lte", 1000000000),
                    ("referrer_stars__lte", 1000000000),
                ),
                name="terms_amounts_are_in_range",
            ),
        ),
    ]
