"""Reviewers and operators may export personal data; viewers read "hidden" in its place.

A group that staff have made otherwise, or removed, is left alone but for this one permission.
"""

from importlib import import_module

from django.db import migrations

roles = import_module("mimivibes.migrations.0001_roles")
LABEL = "accounts.view_personal_data"
ROLES = ("reviewer", "operator")


def grant(apps, schema_editor):
    roles.create_missing_permissions(apps)
    permission = roles.permission_of(apps)(LABEL)
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(permission)


def take_back(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        codename=LABEL.partition(".")[2]
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("mimivibes", "0001_roles"),
        ("accounts", "0005_large_lists"),
    ]

    operations = [migrations.RunPython(grant, take_back)]
