"""Every clean-up on a million rows and more: rows a second, locks, bystanders, kills, PgBouncer."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import WebhookReceipt
from mimivibes.maintenance import cleaning
from mimivibes.maintenance.chores import SESSIONS, WEBHOOKS, capture_chores, webhook_chores
from mimivibes.maintenance.cleaning import Chore, Pace, clean
from mimivibes.maintenance.jobs import Job, Limits
from mimivibes.maintenance.runs import recorded_run
from tests.bench.cleanup import bouncer
from tests.bench.cleanup.data import prepare
from tests.bench.telling import say, tell
from tests.server import ROOT

CAPTURES = 1_500_000
OTHERS = 1_000_000
"""Deliveries, sessions of the admin, and kept answers: so many of each."""
HALF = timedelta(days=75)
"""Captures live 30 days and were opened over 180: this leaves the younger half for later."""
MOST_IN_A_BATCH = 10_000
LONGEST_MS = 50
ENOUGH_CAPTURES = 100_000
BYSTANDERS = 2
SECONDS_ALONE = 5


class Watch:
    """What each chore has done: rows, seconds, and the time of each of its transactions."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, int] = defaultdict(int)
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.batches: defaultdict[str, list[float]] = defaultdict(list)
        self.now = ""

    def progress(self, name: str, done: int, *, total: int | None = None) -> None:
        self.now = name
        self.began.setdefault(name, time.perf_counter())
        self.ended[name] = time.perf_counter()
        self.rows[name] += done

    def pace(self, most: int) -> Pace:
        """Give the pace that the clean-up asks for, and keep what it is told."""
        pace, watch = Pace(most), self
        adapt = pace.adapt

        def told(seconds: float) -> None:
            watch.batches[watch.now].append(seconds * 1000)
            adapt(seconds)

        pace.adapt = told  # type: ignore[method-assign]
        return pace

    def rate(self, name: str) -> float:
        return self.rows[name] / (self.ended[name] - self.began[name])

    @property
    def longest(self) -> float:
        return max(max(batches) for batches in self.batches.values())

    def table(self) -> str:
        lines = [
            "| cleaned | rows | seconds | rows a second | transactions | median ms | longest ms |",
            "| --- | --: | --: | --: | --: | --: | --: |",
        ]
        for name, rows in self.rows.items():
            seconds, batches = self.ended[name] - self.began[name], sorted(self.batches[name])
            lines.append(
                f"| {name.replace('_', ' ')} | {rows:,} | {seconds:.1f} | {self.rate(name):,.0f}"
                f" | {len(batches)} | {batches[len(batches) // 2]:.0f} | {batches[-1]:.0f} |"
            )
        return "\n".join(lines)


def main(*, captures: int = CAPTURES, others: int = OTHERS) -> bool:
    """Print the tables; say if captures are fast, locks short, and nothing is lost or repeated."""
    began = time.monotonic()
    say(f"A scratch database of {captures:,} captures and {3 * others:,} other rows ...")
    address = prepare(say, captures=captures, others=others)
    tell(f"\n{_machine()}\n\nAlone, the older half of the captures, then all that follows:\n")
    alone = _cleaned(capture_chores(captures=HALF))
    tell(alone.table())
    before, _ = _bystanders(address, lambda: time.sleep(SECONDS_ALONE))
    beside = Watch()
    after, failures = _bystanders(
        address, lambda: _cleaned(capture_chores(captures=timedelta(0)), watch=beside)
    )
    tell(f"\nThe younger half, beside {BYSTANDERS} busy processes:\n\n{beside.table()}")
    tell(f"\nWhat those felt:\n\n{_felt(before, after)}")
    tell(f"\nWaited longer than {LONGEST_MS} ms for a lock: {len(failures)} {failures[:3]}\n")
    rest = _cleaned(webhook_chores(payloads=timedelta(days=90), receipts=timedelta(days=3650))[:1])
    is_sound = _killed_and_taken_up(address)
    tell(f"\n{_cleaned((*WEBHOOKS[1:], *SESSIONS), watch=rest).table()}")
    say(f"{time.monotonic() - began:.0f} s")
    return (
        is_sound
        and not failures
        and alone.rate("expired_captures") >= ENOUGH_CAPTURES
        and max(alone.longest, rest.longest) < LONGEST_MS
    )


def _cleaned(chores: Sequence[Chore], *, watch: Watch | None = None) -> Watch:
    watch = watch or Watch()
    cleaning.Pace = watch.pace  # type: ignore[assignment,misc]
    now = timezone.now()
    with recorded_run("bench", is_dry=False, now=now) as (run, turn):
        limits = Limits(MOST_IN_A_BATCH, float("inf"))
        clean(chores, job=Job(run, turn, limits, now, watch.progress))
    return watch


def _bystanders(address: str, meanwhile: Any) -> tuple[dict[str, list[float]], list[str]]:
    """Return what the calls of others took while `meanwhile` ran, and who waited too long."""
    processes = [
        _python("-m", "tests.bench.cleanup.bystanders", str(n), url=address)
        for n in range(BYSTANDERS)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    meanwhile()
    times: defaultdict[str, list[float]] = defaultdict(list)
    failures = []
    for process in processes:
        out, _ = process.communicate("stop\n")
        told = json.loads(out)
        failures += told["failures"]
        for name, some in told["times"].items():
            times[name] += some
    return times, failures


def _felt(before: dict[str, list[float]], after: dict[str, list[float]]) -> str:
    lines = [
        "| call | calls | median ms without | with | 99 % | longest without | with |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, times in after.items():
        those, these = sorted(before[name]), sorted(times)
        lines.append(
            f"| {name} | {len(these):,} | {those[len(those) // 2]:.1f}"
            f" | {these[len(these) // 2]:.1f} | {these[int(len(these) * 0.99)]:.1f}"
            f" | {those[-1]:.0f} | {these[-1]:.0f} |"
        )
    return "\n".join(lines)


def _killed_and_taken_up(address: str) -> bool:
    """Kill `cleanup_webhooks` in the middle, beside a second one; say if the next did the rest."""
    rows = WebhookReceipt.objects.filter(payload__isnull=True)
    full = WebhookReceipt.objects.filter(payload__isnull=False)
    cleared, there_were = rows.count(), full.count()
    with tempfile.TemporaryDirectory() as folder, bouncer.running(Path(folder), address) as url:
        where = "Directly" if url == address else "Behind PgBouncer in transaction mode"
        arguments = ("manage.py", "cleanup_webhooks", "--receipt-days", "3650", "--json", "--apply")
        first = _python(*arguments, "--batch-size", "50", url=url)
        while rows.count() == cleared:
            assert first.poll() is None, first.communicate()
            time.sleep(0.1)
        second = _python(*arguments, url=url)
        refusal = second.communicate()[1].strip().splitlines()[-1]
        first.kill()
        first.communicate()
        killed_after = rows.count() - cleared
        third = json.loads(_python(*arguments, url=url).communicate()[0])
    done = third["rows"]["old_webhook_payloads"]
    left = full.count()
    tell(
        f"\n{where}: a second run said {refusal!r} (status {second.returncode}); the"
        f" first was killed after {killed_after:,} rows; the next cleaned {done:,} more;"
        f" {there_were:,} there were, {left:,} are young and stay.\n"
    )
    return second.returncode == 1 and killed_after + done + left == there_were


def _python(*arguments: str, url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.bench.settings", "DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        (version,) = cursor.fetchone()
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; PostgreSQL {version}."
