"""The SQL of our migrations, and what is unsafe in it for a service that goes on meanwhile."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"]
SQUAWK = str(Path(sys.executable).with_name("squawk"))


@dataclass(frozen=True)
class Finding:
    migration: str
    """`app.0001_name`"""
    rule: str
    message: str


def sql_of_our_migrations() -> dict[str, str]:
    """Return what `sqlmigrate` prints of each migration of this project, by `app.name`."""
    loader = MigrationLoader(connection)
    state = loader.project_state(())
    sql = {}
    for app, name in _in_order(loader):
        migration = loader.graph.nodes[app, name]
        if apps.get_app_config(app).name not in PACKAGES:
            state = migration.mutate_state(state, preserve=False)
            continue
        with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
            state = migration.apply(state, editor, collect_sql=True)
        sql[f"{app}.{name}"] = as_script(editor.collected_sql, migration)
    return sql


def as_script(statements: list[str], migration: Migration) -> str:
    """Add the transaction that a migration runs in, as `sqlmigrate` does."""
    lines = ["BEGIN;", *statements, "COMMIT;"] if migration.atomic else statements
    return "\n".join(lines) + "\n"


def findings(scripts: Mapping[str, str], directory: Path) -> set[Finding]:
    """Let squawk judge the scripts, which are written to `directory`."""
    for name, script in scripts.items():
        (directory / f"{name}.sql").write_text(script)
    files = sorted(str(path) for path in directory.glob("*.sql"))
    done = subprocess.run(
        [SQUAWK, "--config", str(ROOT / ".squawk.toml"), "--reporter", "json", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr  # 1: it has found something
    return {
        Finding(Path(told["file"]).stem, told["rule_name"], told["message"])
        for told in json.loads(done.stdout)
    }


def _in_order(loader: MigrationLoader) -> list[tuple[str, str]]:
    order: dict[tuple[str, str], None] = {}
    for leaf in loader.graph.leaf_nodes():
        order.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return list(order)
