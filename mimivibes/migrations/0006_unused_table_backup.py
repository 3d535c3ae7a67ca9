"""Backups of tables that no model owns; who may look at other pages may look at this one too."""

from django.db import migrations, models

ROLES = ("viewer", "reviewer", "operator")


def let_roles_view(apps, schema_editor):
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="mimivibes", model="unusedtablebackup"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type,
        codename="view_unusedtablebackup",
        defaults={"name": "Can view backup of an unused table"},
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(permission)


def take_it_back(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="mimivibes", codename="view_unusedtablebackup"
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("mimivibes", "0005_tally"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnusedTableBackup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("schema", models.CharField(max_length=63, verbose_name="schema")),
                ("name", models.CharField(max_length=63, verbose_name="table")),
                (
                    "oid",
                    models.BigIntegerField(
                        help_text="PostgreSQL's own number for the table.", verbose_name="object id"
                    ),
                ),
                ("folder", models.TextField(verbose_name="folder")),
                (
                    "checksum",
                    models.CharField(
                        help_text="SHA-256 of the dump.", max_length=64, verbose_name="checksum"
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="size in bytes")),
                ("rows", models.BigIntegerField(verbose_name="rows")),
                (
                    "content_hash",
                    models.CharField(max_length=32, verbose_name="hash of the content"),
                ),
                (
                    "server_version",
                    models.CharField(max_length=50, verbose_name="PostgreSQL version"),
                ),
                (
                    "runner",
                    models.CharField(
                        help_text="Machine and process.", max_length=300, verbose_name="runner"
                    ),
                ),
                ("verified_at", models.DateTimeField(verbose_name="verified at")),
                (
                    "quarantined_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="quarantined at"),
                ),
                (
                    "quarantined_as",
                    models.CharField(blank=True, max_length=63, verbose_name="name in quarantine"),
                ),
                (
                    "dropped_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="dropped at"),
                ),
                (
                    "restored_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="restored at"),
                ),
            ],
            options={
                "verbose_name": "backup of an unused table",
                "verbose_name_plural": "backups of unused tables",
                "indexes": [
                    models.Index(fields=["-verified_at"], name="unused_table_backup_newest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("quarantined_as", ""), ("quarantined_at__isnull", True)),
                            models.Q(
                                ("quarantined_at__isnull", False),
                                models.Q(("quarantined_as", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="unused_table_in_quarantine_has_a_name_there",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True),
                            ("quarantined_at__isnull", False),
                            _connector="OR",
                        ),
                        name="unused_table_is_dropped_from_quarantine_only",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True),
                            ("quarantined_at__isnull", False),
                            ("restored_at__isnull", True),
                        ),
                        fields=("oid",),
                        name="unused_table_is_in_quarantine_once",
                    ),
                ],
            },
        ),
        migrations.RunPython(let_roles_view, take_it_back),
    ]
