"""Lists of people and of the inbox open at once however long they are; a permission for exports."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0003_people_are_not_staff"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("view_personal_data", "Can export e-mail addresses, names and the like")
                ]
            },
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["-created_at", "-id"], name="user_newest"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                condition=models.Q(("is_staff", True)),
                fields=["-created_at", "-id"],
                name="user_staff",
            ),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at__isnull", False), ("banned_at__isnull", False), _connector="OR"
                ),
                fields=["-created_at", "-id"],
                name="user_gone",
            ),
        ),
        AddIndexConcurrently(
            model_name="webhookreceipt",
            index=models.Index(fields=["-received_at", "-id"], name="webhook_receipt_recent"),
        ),
        AddIndexConcurrently(
            model_name="webhookreceipt",
            index=models.Index(
                fields=["status", "-received_at", "-id"], name="webhook_receipt_by_status"
            ),
        ),
        AddIndexConcurrently(
            model_name="webhookreceipt",
            index=models.Index(
                fields=["type", "-received_at", "-id"], name="webhook_receipt_by_type"
            ),
        ),
        RemoveIndexConcurrently(
            model_name="webhookreceipt",
            name="webhook_receipt_newest",
        ),
    ]
