"""What the funnel and the top referrers are read from, without a row."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while the table is written to.
    atomic = False

    dependencies = [
        ("referrals", "0006_story_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                fields=["claimed_at"], include=("terms", "referrer"), name="attribution_claimed"
            ),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                condition=models.Q(("qualified_at__isnull", False)),
                fields=["qualified_at"],
                include=("terms",),
                name="attribution_qualified",
            ),
        ),
        AddIndexConcurrently(
            model_name="attribution",
            index=models.Index(
                condition=models.Q(("rewarded_at__isnull", False)),
                fields=["rewarded_at"],
                include=("terms", "referrer"),
                name="attribution_rewarded",
            ),
        ),
        AddIndexConcurrently(
            model_name="capture",
            index=models.Index(
                fields=["first_opened_at"], include=("code",), name="capture_first_opened"
            ),
        ),
        AddIndexConcurrently(
            model_name="capture",
            index=models.Index(
                condition=models.Q(("adopted_at__isnull", True), ("user__isnull", False)),
                fields=["first_opened_at"],
                include=("code",),
                name="capture_opened_signed_in",
            ),
        ),
        AddIndexConcurrently(
            model_name="capture",
            index=models.Index(
                condition=models.Q(("adopted_at__isnull", False)),
                fields=["adopted_at"],
                include=("code",),
                name="capture_adopted",
            ),
        ),
        AddIndexConcurrently(
            model_name="referralcode",
            index=models.Index(fields=["program", "id"], name="code_of_program"),
        ),
        RemoveIndexConcurrently(
            model_name="attribution",
            name="attribution_claimed_at",
        ),
    ]
