"""The names of models, fields and choices as staff read them: no table changes."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0013_closed_days"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="attribution",
            options={
                "permissions": [
                    ("decide_attribution", "Can approve and reject held attributions"),
                    ("reverse_attribution", "Can reverse attributions and their rewards"),
                    ("move_attribution", "Can move attributions to another referrer"),
                ],
                "verbose_name": "attribution",
                "verbose_name_plural": "attributions",
            },
        ),
        migrations.AlterModelOptions(
            name="browsersession",
            options={"verbose_name": "browser session", "verbose_name_plural": "browser sessions"},
        ),
        migrations.AlterModelOptions(
            name="capture",
            options={"verbose_name": "capture", "verbose_name_plural": "captures"},
        ),
        migrations.AlterModelOptions(
            name="decision",
            options={"verbose_name": "decision", "verbose_name_plural": "decisions"},
        ),
        migrations.AlterModelOptions(
            name="program",
            options={"verbose_name": "program", "verbose_name_plural": "programs"},
        ),
        migrations.AlterModelOptions(
            name="programterms",
            options={"verbose_name": "program terms", "verbose_name_plural": "program terms"},
        ),
        migrations.AlterModelOptions(
            name="qualifyingevent",
            options={
                "verbose_name": "qualifying event",
                "verbose_name_plural": "qualifying events",
            },
        ),
        migrations.AlterModelOptions(
            name="referralcode",
            options={"verbose_name": "referral code", "verbose_name_plural": "referral codes"},
        ),
        migrations.AlterModelOptions(
            name="timelineentry",
            options={
                "ordering": ("id",),
                "verbose_name": "timeline entry",
                "verbose_name_plural": "timeline entries",
            },
        ),
        migrations.AlterModelOptions(
            name="userdevice",
            options={"verbose_name": "user device", "verbose_name_plural": "user devices"},
        ),
        migrations.AlterField(
            model_name="attribution",
            name="awaits_age",
            field=models.BooleanField(
                default=False,
                help_text="Held until Clerk's creation time of the account is known.",
                verbose_name="awaits age",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="awaits_review",
            field=models.BooleanField(
                default=False, help_text="Held until staff decide.", verbose_name="awaits review"
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="capture",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="attributions",
                to="referrals.capture",
                verbose_name="capture",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="claimed_at",
            field=models.DateTimeField(verbose_name="claimed at"),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="code",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attributions",
                to="referrals.referralcode",
                verbose_name="code",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
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
            model_name="attribution",
            name="qualified_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="qualified at"),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="referee",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attributions_received",
                to=settings.AUTH_USER_MODEL,
                verbose_name="referee",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="referrer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attributions_made",
                to=settings.AUTH_USER_MODEL,
                verbose_name="referrer",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="release_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the referrer's reward may be paid.",
                null=True,
                verbose_name="release at",
            ),
        ),
        migrations.AlterField(
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
                verbose_name="replaces",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="rewarded_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="rewarded at"),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="status",
            field=models.CharField(
                choices=[
                    ("held", "Held"),
                    ("pending", "Pending"),
                    ("qualified", "Qualified"),
                    ("rewarded", "Rewarded"),
                    ("rejected", "Rejected"),
                    ("reversed", "Reversed"),
                ],
                max_length=9,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="terms",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attributions",
                to="referrals.programterms",
                verbose_name="terms",
            ),
        ),
        migrations.AlterField(
            model_name="browsersession",
            name="adopted_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="adopted at"
            ),
        ),
        migrations.AlterField(
            model_name="browsersession",
            name="adopted_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
                verbose_name="adopted by",
            ),
        ),
        migrations.AlterField(
            model_name="browsersession",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created at"
            ),
        ),
        migrations.AlterField(
            model_name="browsersession",
            name="device_id",
            field=models.UUIDField(editable=False, verbose_name="device id"),
        ),
        migrations.AlterField(
            model_name="browsersession",
            name="id",
            field=models.UUIDField(
                editable=False, primary_key=True, serialize=False, verbose_name="id"
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="adopted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="adopted at"),
        ),
        migrations.AlterField(
            model_name="capture",
            name="browser_session",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="captures",
                to="referrals.browsersession",
                verbose_name="browser session",
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
        ),
        migrations.AlterField(
            model_name="capture",
            name="closed_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("claimed", "Claimed"),
                    ("forgotten", "Forgotten at the visitor's wish"),
                    ("own_code", "Opened by the code's owner"),
                    ("merged", "Same code held already"),
                    ("erased", "Its person was erased"),
                ],
                default="",
                max_length=10,
                verbose_name="closed reason",
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="code",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="captures",
                to="referrals.referralcode",
                verbose_name="code",
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="expires_at",
            field=models.DateTimeField(verbose_name="expires at"),
        ),
        migrations.AlterField(
            model_name="capture",
            name="first_opened_at",
            field=models.DateTimeField(verbose_name="first opened at"),
        ),
        migrations.AlterField(
            model_name="capture",
            name="landing_url",
            field=models.CharField(
                blank=True, default="", max_length=2048, verbose_name="landing url"
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="opened_at",
            field=models.DateTimeField(help_text="Opened last.", verbose_name="opened at"),
        ),
        migrations.AlterField(
            model_name="capture",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="captures",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="utm",
            field=models.JSONField(blank=True, default=dict, verbose_name="utm"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="address_hash",
            field=models.CharField(
                blank=True, default="", max_length=64, verbose_name="address hash"
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="at",
            field=models.DateTimeField(verbose_name="at"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="attribution",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="referrals.attribution",
                verbose_name="attribution",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="capture",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="referrals.capture",
                verbose_name="capture",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="code",
            field=models.CharField(max_length=64, verbose_name="code"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="evaluations",
            field=models.JSONField(default=list, verbose_name="evaluations"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="outcome",
            field=models.CharField(
                choices=[("accepted", "Accepted"), ("held", "Held"), ("refused", "Refused")],
                max_length=8,
                verbose_name="outcome",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="referee",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions_as_referee",
                to=settings.AUTH_USER_MODEL,
                verbose_name="referee",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="referrer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions_as_referrer",
                to=settings.AUTH_USER_MODEL,
                verbose_name="referrer",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="refusal",
            field=models.CharField(blank=True, default="", max_length=40, verbose_name="refusal"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="terms",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="referrals.programterms",
                verbose_name="terms",
            ),
        ),
        migrations.AlterField(
            model_name="program",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created at"
            ),
        ),
        migrations.AlterField(
            model_name="program",
            name="ends_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="ends at"),
        ),
        migrations.AlterField(
            model_name="program",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="is active"),
        ),
        migrations.AlterField(
            model_name="program",
            name="is_default",
            field=models.BooleanField(
                default=False,
                help_text="New people get their code in this program; there is one.",
                verbose_name="is default",
            ),
        ),
        migrations.AlterField(
            model_name="program",
            name="name",
            field=models.CharField(max_length=200, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="program",
            name="slug",
            field=models.SlugField(unique=True, verbose_name="slug"),
        ),
        migrations.AlterField(
            model_name="program",
            name="starts_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="starts at"),
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
                verbose_name="capture days",
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
                verbose_name="claim days",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created at"
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
                verbose_name="created by",
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
                verbose_name="daily cap",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="effective_from",
            field=models.DateTimeField(
                default=django.utils.timezone.now, verbose_name="effective from"
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="hold_days",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Days between qualification and the referrer's reward.",
                validators=[django.core.validators.MaxValueValidator(3650)],
                verbose_name="hold days",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="program",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="terms",
                to="referrals.program",
                verbose_name="program",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="qualifying_event_count",
            field=models.PositiveIntegerField(
                default=1,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="qualifying event count",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="qualifying_event_type",
            field=models.CharField(
                default="reading.completed", max_length=100, verbose_name="qualifying event type"
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="reason",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Why staff made this version.",
                verbose_name="reason",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_coins",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referee coins",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_exp",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referee experience",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_free_points",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referee free points",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referee_stars",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referee stars",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_coins",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referrer coins",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_exp",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referrer experience",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_free_points",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referrer free points",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="referrer_stars",
            field=models.PositiveIntegerField(
                default=0,
                validators=[django.core.validators.MaxValueValidator(1000000000)],
                verbose_name="referrer stars",
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
                verbose_name="total cap",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="touch",
            field=models.CharField(
                choices=[("first", "First opened"), ("last", "Last opened")],
                default="last",
                max_length=5,
                verbose_name="touch",
            ),
        ),
        migrations.AlterField(
            model_name="programterms",
            name="version",
            field=models.PositiveIntegerField(verbose_name="version"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="content_hash",
            field=models.CharField(editable=False, max_length=64, verbose_name="content hash"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="data",
            field=models.JSONField(default=dict, verbose_name="data"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="event_id",
            field=models.CharField(max_length=255, verbose_name="event id"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="occurred_at",
            field=models.DateTimeField(verbose_name="occurred at"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="received_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, verbose_name="received at"
            ),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="source",
            field=models.CharField(
                help_text="Which API key sent it.", max_length=200, verbose_name="source"
            ),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="type",
            field=models.CharField(max_length=100, verbose_name="type"),
        ),
        migrations.AlterField(
            model_name="qualifyingevent",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="qualifying_events",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="code",
            field=models.CharField(max_length=32, unique=True, verbose_name="code"),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created at"
            ),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="is active"),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="is_primary",
            field=models.BooleanField(default=True, verbose_name="is primary"),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referral_codes",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.AlterField(
            model_name="referralcode",
            name="program",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="codes",
                to="referrals.program",
                verbose_name="program",
            ),
        ),
        migrations.AlterField(
            model_name="userdevice",
            name="device_id",
            field=models.UUIDField(editable=False, verbose_name="device id"),
        ),
        migrations.AlterField(
            model_name="userdevice",
            name="first_seen_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="first seen at"
            ),
        ),
        migrations.AlterField(
            model_name="userdevice",
            name="user",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="devices",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
    ]
