"""No table grows without bound unless it is meant to; and what is meant to last, lasts."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.utils import timezone

from mimivibes.demo import data
from mimivibes.maintenance.chores import (
    CAPTURES,
    EVERYTHING,
    SESSIONS,
    WEBHOOKS,
    capture_chores,
    webhook_chores,
)
from mimivibes.maintenance.cleaning import clean
from mimivibes.maintenance.jobs import Job, Limits
from mimivibes.maintenance.retention import RETENTION
from mimivibes.maintenance.runs import recorded_run
from mimivibes.models import CommandRun
from referrals.models import Attribution, Capture, Decision, TimelineEntry
from referrals.services.proof import verify_attributions
from rewards.models import Entry, Transaction
from rewards.services import verify_ledger

pytestmark = pytest.mark.django_db
WHAT_TO_DO = "See mimivibes/maintenance/retention.py: it names every table, and says how."
NO_TIME = timedelta(0)
HUNDRED_YEARS = timedelta(days=36_525)
CLEANUPS = {
    "cleanup_captures": CAPTURES,
    "cleanup_webhooks": WEBHOOKS,
    "cleanup_sessions": SESSIONS,
}


def _models() -> list[type[Model]]:
    """Return every model that has a table, those of many-to-many relations too."""
    found = apps.get_models(include_auto_created=True)
    return [m for m in (*found, MigrationRecorder.Migration) if not m._meta.proxy]


def test_every_table_is_cleaned_by_a_command_or_needs_none() -> None:
    labels = {model._meta.label for model in _models()}

    assert labels - set(RETENTION) == set(), f"Tables without a rule. {WHAT_TO_DO}"
    assert set(RETENTION) - labels == set(), f"Rules without a table. {WHAT_TO_DO}"


def test_the_database_holds_no_table_beside_these() -> None:
    tables = {model._meta.db_table for model in _models() if model._meta.managed}

    assert set(connection.introspection.table_names()) == tables, WHAT_TO_DO


def test_what_is_said_to_be_cleaned_is_cleaned() -> None:
    """A clean-up names the table of each chore; of another command, its name must be one."""
    said = {label: rule.cleaned_by for label, rule in RETENTION.items() if rule.cleaned_by}
    by_chores = {
        chore.model._meta.label: command for command, chores in CLEANUPS.items() for chore in chores
    }

    assert {k: v for k, v in said.items() if v in CLEANUPS} == by_chores, WHAT_TO_DO
    assert set(said.values()) <= set(get_commands()), WHAT_TO_DO


def test_every_chore_belongs_to_a_command() -> None:
    assert [*EVERYTHING] == [chore for chores in CLEANUPS.values() for chore in chores]
    for command, chores in CLEANUPS.items():
        cleaning: Any = load_command_class("mimivibes", command)
        options = cleaning.create_parser("manage.py", command).parse_args([])
        names = [chore.name for chore in cleaning.chores(vars(options))]
        assert names == [chore.name for chore in chores]


def _what_lasts() -> dict[str, list[Any]]:
    """Return the rows that no clean-up may ever touch."""
    attributed = Attribution.objects.exclude(capture=None).values("capture")
    kept = {
        "transactions": Transaction.objects.all(),
        "entries": Entry.objects.all(),
        "attributions": Attribution.objects.all(),
        "timeline": TimelineEntry.objects.all(),
        "decisions": Decision.objects.exclude(attribution=None).defer("address_hash"),
        "captures": Capture.objects.filter(pk__in=attributed),
    }
    return {
        name: list(rows.order_by("pk").values(*_all_but_the_address(rows.model)))
        for name, rows in kept.items()
    }


def _all_but_the_address(model: type[Model]) -> list[str]:
    return [f.attname for f in model._meta.concrete_fields if f.name != "address_hash"]


def test_no_clean_up_ever_takes_the_ledger_or_what_an_attribution_stands_on() -> None:
    """Everything at once, at no age at all, a hundred years from now."""
    data.load(timezone.now())
    standing = _what_lasts()
    ageless = (
        *capture_chores(captures=NO_TIME),
        *webhook_chores(payloads=NO_TIME, receipts=NO_TIME),
        *SESSIONS,
    )
    later = timezone.now() + HUNDRED_YEARS

    with recorded_run("everything", is_dry=False, now=later) as (run, turn):
        clean(ageless, job=Job(run, turn, Limits(1000, float("inf")), later, _quietly))

    assert all(standing.values())
    assert _what_lasts() == standing
    assert [*verify_ledger(), *verify_attributions()] == []
    report = CommandRun.objects.get().report
    assert report["expired_captures"] > 0 < report["old_refusals"]
    assert not Capture.objects.exclude(attributions__isnull=False).exists()


def _quietly(name: str, done: int, *, total: int | None = None) -> None: ...
