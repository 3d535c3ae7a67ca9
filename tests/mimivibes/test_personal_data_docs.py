"""docs/personal-data.md names every column that could say something of a person."""

import re
from pathlib import Path

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from mimivibes.maintenance.retention import RETENTION

DOCS = Path(__file__).parents[2] / "docs" / "personal-data.md"
TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.UUIDField,
    models.BinaryField,
    models.FileField,
    models.GenericIPAddressField,
    ArrayField,
)


def rows_under(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its own heading."""
    section = DOCS.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def columns_under(heading: str) -> list[str]:
    """Return table.column for each; where a row names two tables, those columns that each has."""
    return [
        f"{table}.{column}"
        for tables, columns, *_ in rows_under(heading)
        for table in _quoted(tables)
        for column in _quoted(columns)
        if f"{table}.{column}" in _columns() or len(_quoted(tables)) == 1
    ]


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def _columns() -> set[str]:
    return {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, TEXTS)
        or (isinstance(field, models.ForeignKey) and field.related_model is User)
    }


def test_every_column_that_could_hold_something_of_a_person_is_entered_once() -> None:
    documented = columns_under("What is held") + columns_under("Nothing of people")

    assert sorted(documented) == sorted(_columns())


def test_what_a_command_cleans_is_said_to_be_cleaned_by_it() -> None:
    found = [m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy]
    label_of = {model._meta.db_table: model._meta.label for model in found}
    for tables, columns, _purpose, until, _after in rows_under("What is held"):
        for table in _quoted(tables):
            command = RETENTION[label_of[table]].cleaned_by
            assert until == "erased" or command in until, (table, columns)
