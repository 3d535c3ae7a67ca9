"""How long a scrape of the metrics takes on large data, and how much of it is read."""

import os
import sys
import time
from statistics import median

from django.db import connection
from django.utils import timezone

from mimivibes.metrics.facts import FACTS
from mimivibes.metrics.page import read_database
from mimivibes.models import Tally
from tests.bench.big.data import prepare
from tests.statements import statements

RUNS = 10
BACK = 20_000
"""How many of the last facts of each kind are not settled; some five a second in an hour."""


def main() -> None:
    """Print the times: nothing to count anew, and the last facts of each kind."""
    prepare(lambda text: sys.stderr.write(f"{text}\n") and None)
    Tally.objects.all().delete()
    read_database()
    with statements() as sent:
        read_database()
    sys.stdout.write(f"| nothing new | {len(sent)} | {_ms():.0f} |\n")
    for fact in FACTS:
        _go_back(fact.table, fact.position, fact.name)
    sys.stdout.write(f"| {BACK:,} facts of each kind | {len(sent)} | {_ms():.0f} |\n")
    _explain()
    Tally.objects.all().delete()
    sys.stdout.write(f"Load average: {os.getloadavg()[0]:.1f}\n")


def _ms() -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        read_database()
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def _go_back(table: str, position: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {position}::text FROM {table} WHERE {position} IS NOT NULL"
            f" ORDER BY {table}.{position} DESC OFFSET {BACK} LIMIT 1"
        )
        (place,) = cursor.fetchone() or ("0",)
    Tally.objects.filter(fact=name).update(counted_to=place, seen_at=timezone.now())


def _explain() -> None:
    """Show how the facts are read, for the eye."""
    for fact in FACTS:
        tally = Tally.objects.get(fact=fact.name)
        rows = f"{fact.table}.{fact.position} > %(after)s::{fact.type}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {fact.query.format(rows=rows)}",
                {"after": tally.counted_to},
            )
            plan = [line for (line,) in cursor.fetchall()]
        scans = [line.strip(" ->") for line in plan if "Scan" in line or "Execution" in line]
        sys.stderr.write(f"{fact.name}: {'; '.join(scans)}\n")
