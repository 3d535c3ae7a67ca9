"""The jobs of the schedule; staff see them and the outbox, operators run and send again."""

from importlib import import_module

from django.db import migrations, models

roles = import_module("mimivibes.migrations.0002_roles")

SEEN = ("mimivibes.view_scheduledjob", "outbox.view_outboxmessage")
CHANGED = ("mimivibes.change_scheduledjob", "outbox.change_outboxmessage")


def grant(apps, schema_editor):
    """Give the roles, where they stand, the permissions that come with these models."""
    roles.create_missing_permissions(apps)
    permission = roles.permission_of(apps)
    groups = apps.get_model("auth", "Group").objects
    for group in groups.filter(name__in=("viewer", "reviewer", "operator")):
        group.permissions.add(*map(permission, SEEN))
    for group in groups.filter(name="operator"):
        group.permissions.add(*map(permission, CHANGED))


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("mimivibes", "0003_names_for_staff"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScheduledJob",
            fields=[
                (
                    "name",
                    models.CharField(
                        max_length=100, primary_key=True, serialize=False, verbose_name="name"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="In the past while it runs, or if no machine runs the schedule.",
                        verbose_name="due at",
                    ),
                ),
                ("lease", models.UUIDField(blank=True, editable=False, null=True, unique=True)),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "leased_by",
                    models.CharField(
                        blank=True, default="", max_length=300, verbose_name="runs on"
                    ),
                ),
                (
                    "last_started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last started at"),
                ),
                (
                    "last_finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last finished at"),
                ),
                (
                    "last_outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("done", "Done"),
                            ("stopped", "Stopped early by --max-seconds"),
                            ("failed", "Failed"),
                            ("killed", "Killed: it took too long"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="last outcome",
                    ),
                ),
                ("last_error", models.TextField(blank=True, default="", verbose_name="last error")),
            ],
            options={
                "verbose_name": "scheduled job",
                "verbose_name_plural": "scheduled jobs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("lease__isnull", True),
                                ("leased_by", ""),
                                ("leased_until__isnull", True),
                            ),
                            models.Q(
                                ("lease__isnull", False),
                                ("leased_until__isnull", False),
                                models.Q(("leased_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="scheduled_job_lease_has_an_end_and_a_holder",
                    )
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
