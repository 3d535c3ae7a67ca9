"""How long the admin's pages take on large data, on the server: medians of warmed runs."""

import os
import platform
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import psutil
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.bench.big.data import prepare
from tests.bench.big.pages import FLOOR, Page, pages
from tests.bench.telling import say, tell
from tests.statements import statements

LIMIT_MS = 300
RUNS = 5


class Measured(NamedTuple):
    """A page, the median time that its answer took, and its SQL statements."""

    page: Page
    ms: float
    statements: int


def main(*, every: bool = False) -> bool:
    """Print the table, of `every` page or of the slowest of each kind; say if all are in time."""
    prepare(say)
    client = Client()
    client.force_login(_staff())
    measured = []
    for page in pages():
        measured.append(_measure(client, page))
        _progress(measured[-1])
    late = [m for m in measured if m.ms > LIMIT_MS]
    sys.stdout.write(
        f"\n{_machine()}\n\n{_table(measured if every else list(_slowest(measured)))}\n"
    )
    told = "None" if not late else ", ".join(f"{m.page.subject}: {m.page.asked}" for m in late)
    tell(f"\n{len(measured)} pages. Longer than {LIMIT_MS} ms: {told}.")
    return not late


def _staff() -> User:
    staff = User.objects.filter(username="bench").first()
    return staff or User.objects.create_superuser("bench", "bench")


def _measure(client: Client, page: Page) -> Measured:
    with statements() as sent:
        _seconds(client, page)  # reads the disk and compiles templates
    times = [_seconds(client, page) for _ in range(RUNS)]
    return Measured(page, median(times) * 1000, len(sent))


def _seconds(client: Client, page: Page) -> float:
    began = time.perf_counter()
    response = client.get(page.address)
    seconds = time.perf_counter() - began
    if response.status_code != 200:
        raise AssertionError(f"{page.address}: {response.status_code}")
    return seconds


def _slowest(measured: list[Measured]) -> Iterator[Measured]:
    """Give the floor, and the slowest page of each subject for each kind of question."""
    seen: dict[tuple[str, str], Measured] = {}
    for one in sorted(measured, key=lambda one: one.ms):
        seen[one.page.subject, _kind(one.page)] = one
    yield from (one for one in measured if one in seen.values())


def _kind(page: Page) -> str:
    if page.subject in {"page", "overview"}:
        return page.asked
    for word in ("search", "page"):
        if word in page.asked:
            return word
    return "filter" if ":" in page.asked else "date"


def _table(measured: list[Measured]) -> str:
    floor = next(one.ms for one in measured if one.page.subject == FLOOR)
    lines = [
        "| list or page | asked | statements | ms | x floor |",
        "| --- | --- | --: | --: | --: |",
    ]
    for (subject, asked, _), ms, sent in measured:
        mark = " **" if ms > LIMIT_MS else " "
        lines.append(
            f"| {subject} | {asked} | {sent} |{mark}{ms:.0f}{mark.strip()} | {ms / floor:.1f} |"
        )
    return "\n".join(lines)


def _machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('shared_buffers'),"
            " pg_size_pretty(pg_database_size(current_database()))"
        )
        version, buffers, size = cursor.fetchone()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, load"
        f" {os.getloadavg()[0]:.1f}; PostgreSQL {version} with shared_buffers {buffers}, {size}."
    )


def _progress(one: Measured) -> None:
    mark = " LATE" if one.ms > LIMIT_MS else ""
    say(f"{one.ms:7.0f} ms {one.statements:3} {one.page.subject}: {one.page.asked}{mark}")
