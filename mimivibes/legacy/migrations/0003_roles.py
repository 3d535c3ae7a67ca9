"""What the roles may do here: all look, reviewers and operators settle matters.

A role that staff have removed is not made anew.
"""

from importlib import import_module

from django.db import migrations

roles = import_module("mimivibes.migrations.0002_roles")

LOOK = ("legacy.view_legacyaccount", "legacy.view_legacytransaction", "legacy.view_matter")
SETTLE = ("legacy.change_matter",)
MAY = {"viewer": LOOK, "reviewer": LOOK + SETTLE, "operator": LOOK + SETTLE}


def allow(apps, schema_editor):
    roles.create_missing_permissions(apps)
    permission_of = roles.permission_of(apps)
    for group in apps.get_model("auth", "Group").objects.filter(name__in=MAY):
        group.permissions.add(*map(permission_of, MAY[group.name]))


class Migration(migrations.Migration):
    dependencies = [("legacy", "0002_append_only"), ("mimivibes", "0003_names_for_staff")]

    operations = [migrations.RunPython(allow, migrations.RunPython.noop)]
