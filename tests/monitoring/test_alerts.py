"""What the alert rules and the dashboard ask for is there, and what is there is documented."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.utils import timezone

from accounts.metrics import count_delivery
from mimivibes.metrics.processes import count_error, count_problem
from mimivibes.models import CommandRun
from tests.monitoring.scrapes import Prometheus
from tests.people import Person
from tests.programs import needed
from tests.referrals.story import invited

ROOT = Path(__file__).resolve().parent.parent.parent
RULES_FOLDER = ROOT / "deploy/prometheus"
RULES = yaml.safe_load((RULES_FOLDER / "rules.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy/grafana/referrals.json").read_text())
# A metric of ours, with what it is narrowed to; recorded ones have colons in their names.
SELECTOR = re.compile(r"(?<![\w:])(mimivibes_\w+)(?:\{([^}]*)\})?")
RECORDED = re.compile(r"(?<![\w:])mimivibes:[\w:]+")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\bby \(([^)]*)\)")
OF_PROMETHEUS = {"instance", "job"}
OF_LIBRARY = ("python_", "process_")


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def alerts() -> list[Any]:
    return [pytest.param(rule, id=rule["alert"]) for rule in rules() if "alert" in rule]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


@pytest.fixture
def labels(prometheus: Prometheus, noks_code: str, ploy: Person) -> dict[str, set[str]]:
    """The labels of every metric, after something of each kind has happened."""
    prometheus.scrape()
    invited(Person("user_fah"), noks_code)
    invited(ploy, noks_code)
    count_problem("throttled")
    count_error(ValueError())
    count_delivery("user.created", "processed")
    now = timezone.now()
    CommandRun.objects.create(
        command="cleanup_captures", outcome="done", started_at=now, finished_at=now
    )
    call_command("verify_ledger", "--json")
    return prometheus.labels()


@pytest.mark.django_db
def test_every_metric_that_is_asked_for_is_told_with_its_labels(
    labels: dict[str, set[str]],
) -> None:
    missing = []
    for expression in expressions():
        known: set[str] = set(OF_PROMETHEUS)
        for name, matchers in SELECTOR.findall(expression):
            known |= labels.get(name, set())
            asked = set(MATCHER.findall(re.sub(r'"[^"]*"', '""', matchers)))
            if name not in labels or not asked <= labels[name] | OF_PROMETHEUS:
                missing.append((name, matchers))
        grouped = {label.strip() for by in GROUPING.findall(expression) for label in by.split(",")}
        if not RECORDED.search(expression) and not grouped <= known:
            missing.append((expression, str(grouped - known)))

    assert missing == []


@pytest.mark.django_db
def test_every_metric_is_documented_and_nothing_else_is(labels: dict[str, set[str]]) -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    rows = dict(re.findall(r"^\| `(mimivibes_\w+)` \|([^|]*)\|", page, re.MULTILINE))
    documented = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows.items()}

    told: dict[str, set[str]] = {}
    for name, of_sample in labels.items():
        if name.startswith(OF_LIBRARY) or name.endswith("_created"):
            continue
        told.setdefault(re.sub(r"_(bucket|sum|count)$", "", name), set()).update(of_sample - {"le"})

    assert documented == told


def test_every_recorded_ratio_is_recorded() -> None:
    asked = {name for expression in expressions() for name in RECORDED.findall(expression)}

    assert asked == {rule["record"] for rule in rules() if "record" in rule}


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    page, _hash, anchor = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert anchor in anchors
    assert alert["labels"]["severity"] in {"page", "ticket"}


def test_each_alert_comes_when_it_should_and_not_before() -> None:
    subprocess.run(
        [needed("promtool"), "test", "rules", "rules.test.yml"], cwd=RULES_FOLDER, check=True
    )
