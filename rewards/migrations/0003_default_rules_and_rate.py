"""The rules and the rate that a new installation begins with; what staff made of them stays."""

from typing import Any

from django.db import migrations

RULES = [
    {"name": "Welcome", "trigger": "user.provisioned", "free_points": 3},
    {"name": "First reading", "trigger": "reading.completed", "free_points": 2},
    {"name": "10 readings", "trigger": "reading.completed", "threshold": 10, "coins": 25},
    {"name": "50 readings", "trigger": "reading.completed", "threshold": 50, "free_points": 5},
    {"name": "100 readings", "trigger": "reading.completed", "threshold": 100, "stars": 3},
    {
        "name": "Daily activity",
        "trigger": "user.active",
        "period": "daily",
        "coins": 5,
        "is_active": False,
    },
]


def create_missing(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("rewards", "RewardRule").objects
    for rule in RULES:
        rules.get_or_create(name=rule["name"], defaults=rule)
    apps.get_model("rewards", "ExchangeRate").objects.get_or_create(
        from_currency="coins", to_currency="stars", is_active=True, defaults={"price": 15}
    )


class Migration(migrations.Migration):
    dependencies = [("rewards", "0002_ledger_triggers")]

    operations = [migrations.RunPython(create_missing, migrations.RunPython.noop)]
