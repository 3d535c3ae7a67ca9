"""Lists of referrals, filtered or not, are read in the order of an index."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0009_terms_reason_and_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(fields=["-claimed_at", "-id"], name="attribution_newest"),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                fields=["status", "-claimed_at", "-id"], name="attribution_by_status"
            ),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(fields=["terms", "-claimed_at", "-id"], name="attribution_by_terms"),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                condition=models.Q(("awaits_review", True)),
                fields=["-claimed_at", "-id"],
                name="attribution_awaits_review",
            ),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                condition=models.Q(("awaits_age", True)),
                fields=["-claimed_at", "-id"],
                name="attribution_awaits_age",
            ),
        ),
        AddIndexConcurrently(
            model_name="browsersession",
            index=models.Index(fields=["-created_at", "-id"], name="browser_session_newest"),
        ),
        AddIndexConcurrently(
            model_name="capture",
            index=models.Index(fields=["-opened_at", "-id"], name="capture_newest"),
        ),
        AddIndexConcurrently(
            model_name="capture",
            index=models.Index(
                fields=["closed_reason", "-opened_at", "-id"], name="capture_by_reason"
            ),
        ),
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(fields=["-at", "-id"], name="decision_newest"),
        ),
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(fields=["outcome", "-at", "-id"], name="decision_by_outcome"),
        ),
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("refusal", ""), _negated=True),
                fields=["refusal", "-at", "-id"],
                name="decision_by_refusal",
            ),
        ),
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("code"), "text_pattern_ops"
                ),
                name="decision_code_begins",
            ),
        ),
        AddIndexConcurrently(
            model_name="qualifyingevent",
            index=models.Index(fields=["-received_at", "-id"], name="event_newest"),
        ),
        AddIndexConcurrently(
            model_name="qualifyingevent",
            index=models.Index(fields=["type", "-received_at", "-id"], name="event_by_type"),
        ),
        AddIndexConcurrently(
            model_name="referralcode",
            index=models.Index(fields=["-created_at", "-id"], name="code_newest"),
        ),
        AddIndexConcurrently(
            model_name="referralcode",
            index=models.Index(fields=["program", "-created_at", "-id"], name="code_by_program"),
        ),
        AddIndexConcurrently(
            model_name="referralcode",
            index=models.Index(
                condition=models.Q(("is_active", False)),
                fields=["-created_at", "-id"],
                name="code_inactive",
            ),
        ),
        AddIndexConcurrently(
            model_name="referralcode",
            index=models.Index(
                condition=models.Q(("is_primary", False)),
                fields=["-created_at", "-id"],
                name="code_older",
            ),
        ),
        AddIndexConcurrently(
            model_name="userdevice",
            index=models.Index(fields=["-first_seen_at", "-id"], name="user_device_newest"),
        ),
        RemoveIndexConcurrently(
            model_name="attribution",
            name="attribution_held_queue",
        ),
    ]
