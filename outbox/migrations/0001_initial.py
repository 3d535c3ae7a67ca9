"""Messages for the web app, numbered by a sequence that goes with their table."""

import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE outbox_message_sequence",
            reverse_sql="DROP SEQUENCE IF EXISTS outbox_message_sequence",
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="id",
                    ),
                ),
                (
                    "sequence",
                    models.BigIntegerField(
                        db_default=models.Func(
                            models.Value("outbox_message_sequence"), function="nextval"
                        ),
                        editable=False,
                        verbose_name="sequence",
                    ),
                ),
                ("type", models.CharField(max_length=100, verbose_name="type")),
                ("data", models.JSONField(verbose_name="data")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="due at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                (
                    "given_up_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="given up at"),
                ),
                (
                    "failure",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="How the last attempt failed.",
                        verbose_name="failure",
                    ),
                ),
            ],
            options={
                "verbose_name": "outbox message",
                "verbose_name_plural": "outbox messages",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "sequence"],
                        include=("created_at",),
                        name="outbox_message_due",
                    ),
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", False)),
                        fields=["-id"],
                        name="outbox_message_given_up",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("due_at__isnull", False),
                                ("given_up_at__isnull", True),
                                ("sent_at__isnull", True),
                            ),
                            models.Q(
                                ("due_at__isnull", True),
                                ("given_up_at__isnull", True),
                                ("sent_at__isnull", False),
                            ),
                            models.Q(
                                ("due_at__isnull", True),
                                ("given_up_at__isnull", False),
                                ("sent_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="outbox_message_waits_or_is_sent_or_given_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type", ""), _negated=True),
                        name="outbox_message_has_a_type",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER SEQUENCE outbox_message_sequence OWNED BY outbox_outboxmessage.sequence",
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
