"""The roles of staff: three groups, and what each may do. `docs/back-office.md` says it for people.

Runs once. A group of one of these names that stands already is left as it is, and what staff change
later stays. A permission that is added later is given to a role by a migration of its own.

Reversing removes a group only while nobody is in it: staff do not lose their rights by it.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS_IN_VIEW = ("accounts", "mimivibes", "referrals", "rewards")
REVIEWER = ("accounts.view_personal_data", "referrals.decide_attribution")
OPERATOR = (
    "accounts.change_apikey",
    "accounts.change_webhookreceipt",
    "referrals.add_attribution",
    "referrals.add_program",
    "referrals.add_programterms",
    "referrals.change_program",
    "referrals.change_referralcode",
    "referrals.move_attribution",
    "referrals.reverse_attribution",
    "rewards.add_exchangerate",
    "rewards.add_rewardrule",
    "rewards.approve_grant",
    "rewards.change_exchangerate",
    "rewards.change_rewardrule",
    "rewards.correct_transaction",
    "rewards.grant_reward",
)


def make_roles(apps, schema_editor):
    create_missing_permissions(apps)
    viewer = permissions_to_view(apps)
    reviewer = [*viewer, *map(permission_of(apps), REVIEWER)]
    operator = [*reviewer, *map(permission_of(apps), OPERATOR)]
    for name, permissions in (("viewer", viewer), ("reviewer", reviewer), ("operator", operator)):
        group, is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(permissions)


def remove_roles(apps, schema_editor):
    in_use = apps.get_model("accounts", "User").objects.filter(groups__isnull=False)
    groups = apps.get_model("auth", "Group").objects.filter(
        name__in=("viewer", "reviewer", "operator")
    )
    groups.exclude(pk__in=in_use.values("groups")).delete()


def create_missing_permissions(apps):
    """Make the permissions now: Django itself makes them after the last migration."""
    for app_config in apps.get_app_configs():
        known = getattr(app_config, "models_module", None)
        app_config.models_module = True  # else, in a migration, it counts as an app without models
        create_permissions(app_config, verbosity=0, apps=apps)
        app_config.models_module = known


def permissions_to_view(apps):
    """Return the permission to look, for every model of our own apps."""
    content_types = apps.get_model("contenttypes", "ContentType").objects
    labels = [
        f"{content_type.app_label}.view_{content_type.model}"
        for content_type in content_types.filter(app_label__in=APPS_IN_VIEW)
    ]
    return list(map(permission_of(apps), labels))


def permission_of(apps):
    """Return a function from a label, such as `rewards.add_rewardrule`, to its permission."""
    permissions = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in apps.get_model("auth", "Permission").objects.select_related(
            "content_type"
        )
    }

    def find(label):
        if label not in permissions:
            raise LookupError(
                f"There is no permission {label}. Is the migration that brings it a dependency?"
            )
        return permissions[label]

    return find


class Migration(migrations.Migration):
    # The newest migrations that bring models or permissions named above.
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("accounts", "0004_large_lists"),
        ("mimivibes", "0001_command_runs"),
        ("referrals", "0007_indexes_of_the_dashboard"),
        ("rewards", "0007_indexes_of_the_dashboard"),
    ]

    operations = [migrations.RunPython(make_roles, remove_roles)]
