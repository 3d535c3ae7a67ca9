import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "prefix",
                    models.CharField(
                        help_text="How the key begins, to tell keys apart.", max_length=20
                    ),
                ),
                (
                    "key_hash",
                    models.CharField(
                        editable=False,
                        max_length=64,
                        unique=True,
                        verbose_name="SHA-256 of the key",
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("events", "Post events"),
                                ("rewards:spend", "Spend a user's credits"),
                                ("rewards:grant", "Grant rewards and reverse transactions"),
                            ],
                            max_length=30,
                        ),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="Exact to the hour; empty if never used.", null=True
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "API key",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scopes__contained_by", ["events", "rewards:spend", "rewards:grant"]),
                            ("scopes__len__gt", 0),
                        ),
                        name="api_key_has_known_scopes",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClerkSync",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("next_offset", models.PositiveBigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "Clerk synchronisation",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=("finished_at",),
                        name="clerk_sync_one_unfinished",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("svix_id", models.CharField(max_length=255, unique=True, verbose_name="svix-id")),
                ("type", models.CharField(blank=True, max_length=100)),
                (
                    "clerk_id",
                    models.CharField(
                        blank=True,
                        help_text="Whom the delivery is about.",
                        max_length=255,
                        verbose_name="Clerk id",
                    ),
                ),
                (
                    "payload",
                    models.JSONField(
                        blank=True,
                        help_text="The event; empty once the person was erased.",
                        null=True,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("failed", "Failed"),
                            ("processed", "Processed"),
                            ("ignored", "Ignored"),
                        ],
                        default="received",
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.TextField(blank=True, help_text="Why it was ignored, or how it failed."),
                ),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("received_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="webhook_receipt_due",
                    ),
                    models.Index(fields=["clerk_id"], name="webhook_receipt_clerk_id"),
                    models.Index(fields=["-received_at"], name="webhook_receipt_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("next_attempt_at__isnull", False),
                                ("processed_at__isnull", True),
                                ("status__in", ("received", "failed")),
                            ),
                            models.Q(
                                ("next_attempt_at__isnull", True),
                                ("processed_at__isnull", False),
                                ("status__in", ("processed", "ignored")),
                            ),
                            _connector="OR",
                        ),
                        name="webhook_receipt_is_finished_or_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "clerk_id",
                    models.CharField(
                        blank=True, max_length=255, null=True, unique=True, verbose_name="Clerk id"
                    ),
                ),
                ("username", models.CharField(blank=True, max_length=150, null=True, unique=True)),
                (
                    "email",
                    models.CharField(blank=True, default="", max_length=320, verbose_name="e-mail"),
                ),
                ("email_verified", models.BooleanField(default=False)),
                ("first_name", models.CharField(blank=True, default="", max_length=255)),
                ("last_name", models.CharField(blank=True, default="", max_length=255)),
                ("image_url", models.TextField(blank=True, default="")),
                (
                    "account_created_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When Clerk made the account; empty while not known.",
                        null=True,
                    ),
                ),
                (
                    "clerk_updated_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Age of the newest profile that Clerk itself has sent.",
                        null=True,
                    ),
                ),
                ("banned_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="first seen at"
                    ),
                ),
                ("is_staff", models.BooleanField(default=False)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("clerk_id"), "text_pattern_ops"
                        ),
                        name="user_clerk_id_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("email"), "text_pattern_ops"
                        ),
                        name="user_email_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("first_name"), "text_pattern_ops"
                        ),
                        name="user_first_name_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("last_name"), "text_pattern_ops"
                        ),
                        name="user_last_name_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("username"), "text_pattern_ops"
                        ),
                        name="user_username_begins",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("clerk_id__isnull", False),
                            ("clerk_updated_at__isnull", True),
                            ("deleted_at__isnull", True),
                        ),
                        fields=["id"],
                        name="user_profile_missing",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("clerk_id__isnull", False),
                            ("username__isnull", False),
                            _connector="OR",
                        ),
                        name="user_is_known_by_clerk_id_or_username",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deleted_at__isnull", True),
                            models.Q(
                                ("account_created_at__isnull", True),
                                ("clerk_updated_at__isnull", True),
                                ("email", ""),
                                ("email_verified", False),
                                ("first_name", ""),
                                ("image_url", ""),
                                ("last_name", ""),
                            ),
                            _connector="OR",
                        ),
                        name="user_tombstone_holds_no_personal_data",
                    ),
                ],
            },
        ),
    ]
