"""`make bench ONLY=import`: the replaced system, with every oddity, brought over at full size.

For each size: a dry run, a run that is killed in the middle, with a second one refused meanwhile, a
run that takes it up, and one that finds nothing to do. Each tells its time and the most memory that
it took; totals are compared with SQL on the source, and the ledger is proved.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
from psycopg import sql

from tests.bench.telling import tell
from tests.legacy.old_world import old_world
from tests.server import PRODUCTION, ROOT, database_url, fresh_database

SIZES = (10_000, 160_000)
"""People; each brings some six rows and a half, so the second is a million rows."""
SOURCE = "bench_import_source"
DESTINATION = "bench_import"


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run, how long it took and how much memory at most."""

    status: int
    report: dict[str, Any]
    seconds: float
    megabytes: float


def main() -> bool:
    """Measure all sizes; return whether everything came out as it must."""
    is_proved = True
    tell("| people | rows there | run | seconds | rows a second | most memory, MB |")
    tell("| --: | --: | --- | --: | --: | --: |")
    for size in SIZES:
        is_proved &= _measure(size)
    tell(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}")
    return is_proved


def _measure(size: int) -> bool:
    source = _filled_source(size)
    destination = fresh_database(DESTINATION)
    rows = _count(source)
    dry = _run(source, destination)
    _tell(size, rows, "dry run", dry)
    killed = _killed(source, destination, after=size // 2)
    _tell(size, rows, "taken up after a kill", first := _run(source, destination, "--apply"))
    _tell(size, rows, "again, nothing new", again := _run(source, destination, "--apply"))
    whole = _run(source, fresh_database(DESTINATION), "--apply")
    _tell(size, rows, "all at once", whole)
    proof = _command(destination, "verify_ledger", "--json")
    found = {
        "a second run at once is refused": killed,
        "the ledger is proved": proof.status == 0,
        "balances before as SQL says": whole.report["balances"]["before"] == _held(source),
        "every unit accounted for": all(
            ran.status == 0 and ran.report["is_sound"] for ran in (dry, first, again, whole)
        ),
        "the same whether killed or not": first.report["balances"] == whole.report["balances"],
        "the same dry": dry.report["balances"]["opened"] == whole.report["balances"]["opened"],
        "nothing new the second time": "new" not in again.report["rows"]["people"],
    }
    for what, holds in found.items():
        if not holds:
            tell(f"NOT at {size:,}: {what}")
    return all(found.values())


def _tell(size: int, rows: int, name: str, ran: Ran) -> None:
    rate = rows / ran.seconds
    tell(
        f"| {size:,} | {rows:,} | {name} | {ran.seconds:.1f} | {rate:,.0f} | {ran.megabytes:.0f} |"
    )


def _filled_source(size: int) -> str:
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        name = sql.Identifier(SOURCE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    old_world(people=size, odd=size // 200).load(database_url(SOURCE))
    return database_url(SOURCE)


def _count(source: str) -> int:
    tables = ("User", "referral_codes", "PointTransaction", "CoinExchange", "readings")
    return int(
        _ask(source, "SELECT " + " + ".join(f'(SELECT count(*) FROM "{t}")' for t in tables))[0]
    )


def _held(source: str) -> dict[str, int]:
    sums = _ask(source, 'SELECT sum(stars), sum("freePoint"), sum(coins), sum(exp) FROM "User"')
    return dict(zip(("stars", "free_points", "coins", "exp"), map(int, sums), strict=True))


def _ask(url: str, statement: str) -> tuple[Any, ...]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone() or ()  # type: ignore[arg-type]


def _killed(source: str, destination: str, *, after: int) -> bool:
    """Kill a run once so many people are here; return whether a second one was refused before."""
    process = _start(destination, "import_legacy", "--source", source, "--apply", "--json")
    while _ask(destination, "SELECT count(*) FROM legacy_legacyaccount")[0] < after:
        if process.poll() is not None:
            raise RuntimeError(process.communicate())
        time.sleep(0.05)
    second = _run(source, destination, "--apply")
    process.kill()
    process.wait()
    return second.status == 1


def _run(source: str, destination: str, *options: str) -> Ran:
    return _command(destination, "import_legacy", "--source", source, "--json", *options)


def _command(destination: str, *arguments: str) -> Ran:
    began = time.monotonic()
    process = _start(destination, *arguments)
    watched, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            most = max(most, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    out, _errors = process.communicate()
    report = json.loads(out) if out.strip() else {}
    return Ran(process.returncode, report, time.monotonic() - began, most / 1e6)


def _start(destination: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, "DATABASE_URL": destination},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
