"""The names of models, fields and choices as staff read them: no table changes."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0009_closed_days"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="balance",
            options={"verbose_name": "balance", "verbose_name_plural": "balances"},
        ),
        migrations.AlterModelOptions(
            name="entry",
            options={"verbose_name": "entry", "verbose_name_plural": "entries"},
        ),
        migrations.AlterModelOptions(
            name="exchangerate",
            options={"verbose_name": "exchange rate", "verbose_name_plural": "exchange rates"},
        ),
        migrations.AlterModelOptions(
            name="grantrequest",
            options={
                "permissions": [
                    ("grant_reward", "Can grant rewards by hand and take amounts back"),
                    ("approve_grant", "Can approve and refuse the large grants of others"),
                ],
                "verbose_name": "grant request",
                "verbose_name_plural": "grant requests",
            },
        ),
        migrations.AlterModelOptions(
            name="idempotencyrecord",
            options={
                "verbose_name": "idempotency record",
                "verbose_name_plural": "idempotency records",
            },
        ),
        migrations.AlterModelOptions(
            name="ledgerproof",
            options={"verbose_name": "ledger proof", "verbose_name_plural": "ledger proofs"},
        ),
        migrations.AlterModelOptions(
            name="rewardrule",
            options={"verbose_name": "reward rule", "verbose_name_plural": "reward rules"},
        ),
        migrations.AlterModelOptions(
            name="transaction",
            options={
                "permissions": [("correct_transaction", "Can reverse single transactions")],
                "verbose_name": "transaction",
                "verbose_name_plural": "transactions",
            },
        ),
        migrations.AlterField(
            model_name="balance",
            name="amount",
            field=models.BigIntegerField(verbose_name="amount"),
        ),
        migrations.AlterField(
            model_name="balance",
            name="currency",
            field=models.CharField(
                choices=[
                    ("stars", "Stars"),
                    ("free_points", "Free points"),
                    ("coins", "Coins"),
                    ("exp", "Experience"),
                ],
                max_length=20,
                verbose_name="currency",
            ),
        ),
        migrations.AlterField(
            model_name="balance",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="balances",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="amount",
            field=models.BigIntegerField(verbose_name="amount"),
        ),
        migrations.AlterField(
            model_name="entry",
            name="currency",
            field=models.CharField(
                choices=[
                    ("stars", "Stars"),
                    ("free_points", "Free points"),
                    ("coins", "Coins"),
                    ("exp", "Experience"),
                ],
                max_length=20,
                verbose_name="currency",
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="transaction",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="rewards.transaction",
                verbose_name="transaction",
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="exchangerate",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created at"
            ),
        ),
        migrations.AlterField(
            model_name="exchangerate",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="is active"),
        ),
        migrations.AlterField(
            model_name="exchangerate",
            name="price",
            field=models.PositiveBigIntegerField(
                help_text="Units of the first currency for one unit of the second.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
                verbose_name="price",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="coins",
            field=models.PositiveBigIntegerField(default=0, verbose_name="coins"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="decided at"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="decision_reason",
            field=models.TextField(blank=True, default="", verbose_name="decision reason"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="free_points",
            field=models.PositiveBigIntegerField(default=0, verbose_name="free points"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="nonce",
            field=models.UUIDField(
                editable=False,
                help_text="Of the form that asked.",
                unique=True,
                verbose_name="nonce",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="reason",
            field=models.TextField(
                help_text="Why it was asked for. For staff alone.", verbose_name="reason"
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="requested_at",
            field=models.DateTimeField(verbose_name="requested at"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="requested_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="requested by",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="stars",
            field=models.PositiveBigIntegerField(default=0, verbose_name="stars"),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="status",
            field=models.CharField(
                choices=[("waiting", "Waiting"), ("approved", "Approved"), ("refused", "Refused")],
                default="waiting",
                max_length=8,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="transaction",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="grant_request",
                to="rewards.transaction",
                verbose_name="transaction",
            ),
        ),
        migrations.AlterField(
            model_name="grantrequest",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="grant_requests",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerproof",
            name="faults",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="The first of them: code, subject and detail of each.",
                verbose_name="faults",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerproof",
            name="seconds",
            field=models.FloatField(help_text="How long it took.", verbose_name="seconds"),
        ),
        migrations.AlterField(
            model_name="ledgerproof",
            name="started_at",
            field=models.DateTimeField(verbose_name="started at"),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="active_from",
            field=models.DateTimeField(blank=True, null=True, verbose_name="active from"),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="active_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="active until"),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="coins",
            field=models.PositiveBigIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="coins",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="exp",
            field=models.PositiveBigIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="experience",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="free_points",
            field=models.PositiveBigIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="free points",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="is active"),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="name",
            field=models.CharField(max_length=100, unique=True, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="period",
            field=models.CharField(
                choices=[
                    ("once", "Once for each user"),
                    ("daily", "Once a day (UTC) for each user"),
                ],
                default="once",
                max_length=10,
                verbose_name="period",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="stars",
            field=models.PositiveBigIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="stars",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="threshold",
            field=models.PositiveIntegerField(
                default=1,
                help_text="Pays when the count reaches exactly this.",
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="threshold",
            ),
        ),
        migrations.AlterField(
            model_name="rewardrule",
            name="trigger",
            field=models.CharField(
                help_text="What is counted, e.g. reading.completed or user.provisioned.",
                max_length=100,
                verbose_name="trigger",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="actor",
            field=models.CharField(blank=True, default="", max_length=600, verbose_name="actor"),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="created_at",
            field=models.DateTimeField(verbose_name="created at"),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="fingerprint",
            field=models.CharField(
                help_text="SHA-256 of what was asked under the key.",
                max_length=64,
                verbose_name="fingerprint",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="id",
            field=models.UUIDField(
                default=uuid_utils.compat.uuid7,
                editable=False,
                primary_key=True,
                serialize=False,
                verbose_name="id",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="idempotency_key",
            field=models.CharField(max_length=300, unique=True, verbose_name="idempotency key"),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="kind",
            field=models.CharField(max_length=40, verbose_name="kind"),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="memo",
            field=models.CharField(blank=True, default="", max_length=500, verbose_name="memo"),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="note",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Why staff did it. For staff alone: the user sees the memo.",
                verbose_name="note",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="reference",
            field=models.CharField(
                blank=True, default="", max_length=255, verbose_name="reference"
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="reverses",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversed_by",
                to="rewards.transaction",
                verbose_name="reverses",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="sealed_in",
            field=models.BigIntegerField(
                db_default=django.db.models.functions.comparison.Cast(
                    django.db.models.functions.comparison.Cast(
                        models.Func(function="pg_current_xact_id"), models.TextField()
                    ),
                    models.BigIntegerField(),
                ),
                editable=False,
                help_text="The database transaction that made it, and the only one that may add entries.",
                verbose_name="sealed in",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
    ]
