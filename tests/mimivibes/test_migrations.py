"""Migrations: none stops the service, or the release that still runs while it is made."""

from pathlib import Path

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from tests.migrations import as_script, findings, sql_of_our_migrations

FIRST = "Made before the first release: the tables were new, or held nothing."
ACCEPTED = {
    "referrals.0001_initial": {
        "adding-foreign-key-constraint": FIRST,
        "adding-required-field": FIRST,
    },
    "referrals.0004_attribution_replaces": {"adding-foreign-key-constraint": FIRST},
    "referrals.0009_terms_reason_and_limits": {
        "constraint-missing-not-valid": "A program has a few versions of its terms: a short scan."
    },
    "referrals.0013_captures_of_the_referee": {
        "ban-drop-constraint": "Only what an earlier try of this very migration has left."
    },
}
"""By migration and rule, why it may stay. docs/migrations.md says how to do without."""


@pytest.mark.django_db(transaction=True)
def test_our_migrations_are_safe_on_a_live_database(tmp_path: Path) -> None:
    found = findings(sql_of_our_migrations(), tmp_path)

    new = [each for each in found if each.rule not in ACCEPTED.get(each.migration, {})]
    assert new == []
    judged = {(each.migration, each.rule) for each in found}
    stale = [(name, rule) for name in ACCEPTED for rule in ACCEPTED[name]]
    assert set(stale) - judged == set(), "accepted, but no longer there"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE rewards_entry ADD COLUMN note text NOT NULL", "adding-required-field"),
        ("ALTER TABLE rewards_entry ALTER COLUMN memo SET NOT NULL", "adding-not-nullable-field"),
        ("CREATE INDEX by_memo ON rewards_entry (memo)", "require-concurrent-index-creation"),
        ("DROP INDEX by_memo", "require-concurrent-index-deletion"),
        ("ALTER TABLE rewards_entry RENAME COLUMN amount TO units", "renaming-column"),
        ("ALTER TABLE rewards_entry RENAME TO rewards_line", "renaming-table"),
        ("ALTER TABLE rewards_entry DROP COLUMN memo", "ban-drop-column"),
        ("DROP TABLE rewards_entry", "ban-drop-table"),
        ("ALTER TABLE rewards_entry ALTER COLUMN amount TYPE numeric", "changing-column-type"),
        (
            "ALTER TABLE rewards_entry ADD CONSTRAINT not_zero CHECK (amount <> 0)",
            "constraint-missing-not-valid",
        ),
        (
            "ALTER TABLE rewards_entry ADD CONSTRAINT entry_of FOREIGN KEY (of_id)"
            " REFERENCES rewards_transaction (id)",
            "adding-foreign-key-constraint",
        ),
        (
            "ALTER TABLE rewards_entry ADD CONSTRAINT once UNIQUE (memo)",
            "disallowed-unique-constraint",
        ),
        (
            "CREATE INDEX CONCURRENTLY by_memo ON rewards_entry (memo)",
            "ban-concurrent-index-creation-in-transaction",
        ),
    ],
)
def test_what_would_stop_the_service_is_found(statement: str, rule: str, tmp_path: Path) -> None:
    script = f"BEGIN;\nSELECT 1;\n{statement};\nCOMMIT;\n"

    assert rule in rules_broken_by(script, tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE rewards_entry ADD COLUMN note text",
        "ALTER TABLE rewards_entry ADD COLUMN note text DEFAULT '' NOT NULL",
        "ALTER TABLE rewards_entry ADD CONSTRAINT c CHECK (amount <> 0) NOT VALID",
        "CREATE TABLE rewards_line (id bigint PRIMARY KEY, memo text NOT NULL)",
    ],
)
def test_what_does_not_is_left_alone(statement: str, tmp_path: Path) -> None:
    assert rules_broken_by(f"BEGIN;\nSELECT 1;\n{statement};\nCOMMIT;\n", tmp_path) == set()


@pytest.mark.parametrize(
    ("field", "rules"),
    [
        (models.TextField(default=""), {"ban-drop-default"}),
        (models.TextField(db_default=""), set()),
        (models.TextField(null=True), set()),
    ],
)
def test_a_column_that_the_running_release_does_not_fill_needs_a_default_in_the_database(
    field: "models.TextField[str, str]", rules: set[str], tmp_path: Path, db: None
) -> None:
    """Django takes the default that it writes for `default` out again."""
    script = as_script(*added("note", field))

    assert rules_broken_by(script, tmp_path) == rules


def added(name: str, field: "models.TextField[str, str]") -> tuple[list[str], migrations.Migration]:
    """Return the SQL that adds the field to a table that is there, and the migration."""
    state = ProjectState()
    table = migrations.CreateModel("Line", [("id", models.BigAutoField(primary_key=True))])
    table.state_forwards("rewards", state)
    migration = migrations.Migration("0099_new", "rewards")
    migration.operations = [migrations.AddField("Line", name, field)]
    with connection.schema_editor(collect_sql=True) as editor:
        migration.apply(state, editor, collect_sql=True)
    return editor.collected_sql, migration


def rules_broken_by(script: str, directory: Path) -> set[str]:
    return {finding.rule for finding in findings({"app.0099_new": script}, directory)}
