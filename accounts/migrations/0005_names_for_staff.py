"""The names of models, fields and choices as staff read them: no table changes."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_large_lists"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={"verbose_name": "API key", "verbose_name_plural": "API keys"},
        ),
        migrations.AlterModelOptions(
            name="clerksync",
            options={
                "verbose_name": "Clerk synchronisation",
                "verbose_name_plural": "Clerk synchronisations",
            },
        ),
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("view_personal_data", "Can export e-mail addresses, names and the like")
                ],
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.AlterModelOptions(
            name="webhookreceipt",
            options={"verbose_name": "webhook receipt", "verbose_name_plural": "webhook receipts"},
        ),
        migrations.AlterField(
            model_name="apikey",
            name="created_at",
            field=models.DateTimeField(verbose_name="created at"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Exact to the hour; empty if never used.",
                null=True,
                verbose_name="last used at",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="prefix",
            field=models.CharField(
                help_text="How the key begins, to tell keys apart.",
                max_length=20,
                verbose_name="prefix",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="revoked at"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("events", "Post events"),
                        ("rewards:spend", "Spend a user's credits"),
                        ("rewards:grant", "Grant rewards and reverse transactions"),
                    ],
                    max_length=30,
                ),
                size=None,
                verbose_name="scopes",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="account_created_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When Clerk made the account; empty while not known.",
                null=True,
                verbose_name="account created at",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="banned_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="banned at"),
        ),
        migrations.AlterField(
            model_name="user",
            name="clerk_updated_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Age of the newest profile that Clerk itself has sent.",
                null=True,
                verbose_name="clerk updated at",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="deleted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="deleted at"),
        ),
        migrations.AlterField(
            model_name="user",
            name="email_verified",
            field=models.BooleanField(default=False, verbose_name="email verified"),
        ),
        migrations.AlterField(
            model_name="user",
            name="first_name",
            field=models.CharField(
                blank=True, default="", max_length=255, verbose_name="first name"
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="image_url",
            field=models.TextField(blank=True, default="", verbose_name="image url"),
        ),
        migrations.AlterField(
            model_name="user",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="is active"),
        ),
        migrations.AlterField(
            model_name="user",
            name="is_staff",
            field=models.BooleanField(default=False, verbose_name="is staff"),
        ),
        migrations.AlterField(
            model_name="user",
            name="last_name",
            field=models.CharField(
                blank=True, default="", max_length=255, verbose_name="last name"
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="username",
            field=models.CharField(
                blank=True, max_length=150, null=True, unique=True, verbose_name="username"
            ),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="attempts",
            field=models.PositiveIntegerField(default=1, verbose_name="attempts"),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="next_attempt_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="next attempt at"),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="payload",
            field=models.JSONField(
                blank=True,
                help_text="The event; empty once the person was erased.",
                null=True,
                verbose_name="payload",
            ),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="processed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="processed at"),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="reason",
            field=models.TextField(
                blank=True, help_text="Why it was ignored, or how it failed.", verbose_name="reason"
            ),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="received_at",
            field=models.DateTimeField(verbose_name="received at"),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("failed", "Failed"),
                    ("processed", "Processed"),
                    ("ignored", "Ignored"),
                ],
                default="received",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="webhookreceipt",
            name="type",
            field=models.CharField(blank=True, max_length=100, verbose_name="type"),
        ),
    ]
