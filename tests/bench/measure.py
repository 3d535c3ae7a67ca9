"""Measure the hot calls over HTTP, each beside its floors, in turns.

Starts and stops its own servers, on loopback, on a scratch database of the test PostgreSQL.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.services import create_api_key
from rewards.services import verify_ledger
from tests.bench import pgbench
from tests.bench.load import send_all
from tests.bench.operations import Operation, Request, bearer, operations
from tests.bench.population import KNOWN, populate
from tests.bench.report import EXPLANATION, Result, table
from tests.bench.telling import say, tell
from tests.server import fresh_database, running_server

SCRATCH = "mimivibes_bench"
RECORDED = 3
"""How often a call is made in this process; the last time is the one that counts."""
WARM_UP = 32
FLOOR_PACE = 3
"""How many times as many requests a round of a floor has."""
SQL_PACE = 3


class Asked(NamedTuple):
    """How many rounds, and about how long one of a call takes."""

    rounds: int
    seconds: float


def main(*, rounds: int, seconds: float) -> bool:
    """Print the table; say whether the ledger was proved afterwards."""
    asked = Asked(rounds, seconds)
    started = time.monotonic()
    if os.getloadavg()[0] > (os.cpu_count() or 1) / 2:
        say("This machine is busy with something else: the ratios will be too high.")
    say("A scratch database, its people, two servers ...")
    with scratch_database(), tempfile.TemporaryDirectory() as folder:
        _, key = create_api_key(
            name="bench", scopes=["events", "rewards:spend"], now=timezone.now()
        )
        measured = operations(key)
        needed = {op.name: op.first + _serials_needed(op, asked) for op in measured}
        ranges = {op.name: range(op.first, needed[op.name]) for op in measured}
        populate(claimers=ranges["claim"], readers=ranges["event"])
        with (
            _server("tests.bench.settings") as here,
            _server("tests.bench.floor_settings") as floor,
        ):
            courses = [Course(op, Path(folder), asked.seconds, here, floor) for op in measured]
            for n in range(asked.rounds):
                for course in courses:
                    say(f"Round {n + 1} of {asked.rounds}: {course.operation.name}")
                    course.run()
        faults = verify_ledger()
    tell(f"\n{table([course.result for course in courses])}\n{EXPLANATION}")
    say(f"{time.monotonic() - started:.0f} s; the ledger has {len(faults)} faults.")
    return not faults


def _requests(operation: Operation, seconds: float) -> int:
    return max(operation.connections * 2, round(operation.pace * seconds))


def _serials_needed(operation: Operation, asked: Asked) -> int:
    each_round = (1 + SQL_PACE) * _requests(operation, asked.seconds)
    return RECORDED + WARM_UP + asked.rounds * (each_round + operation.connections)


@dataclass
class Course:
    """One operation with its floors, round by round."""

    operation: Operation
    folder: Path
    seconds: float
    here: int
    floor: int

    def __post_init__(self) -> None:
        self.serials = count(self.operation.first)
        for _ in range(RECORDED):
            serial = next(self.serials)
            statements = pgbench.recorded(self.operation, serial)
        self.script = self.folder / f"{self.operation.name.replace('/', '')}.sql"
        self.script.write_text(pgbench.script(self.operation, serial, statements))
        self.result = Result(self.operation.name, pgbench.count(statements))
        self._send(WARM_UP if self.operation.connections > 1 else 2)

    def run(self) -> None:
        """Measure the call and each of its floors once."""
        operation, result = self.operation, self.result
        amount = _requests(operation, self.seconds)
        requests, rate = self._send(amount)
        result.here.append(rate)
        for path, rates in (("/django", result.django), ("/drf", result.drf)):
            floor = [r.encoded(path, Authorization=bearer(KNOWN)) for r in requests] * FLOOR_PACE
            rates.append(send_all(self.floor, floor, connections=operation.connections))
        result.sql.append(self._sql(amount * SQL_PACE))

    def _send(self, amount: int) -> tuple[list[Request], float]:
        requests = [self.operation.build(next(self.serials)) for _ in range(amount)]
        sent = [request.encoded(self.operation.path) for request in requests]
        return requests, send_all(self.here, sent, connections=self.operation.connections)

    def _sql(self, amount: int) -> float:
        clients = self.operation.connections
        each = amount // clients
        start = next(self.serials)
        self.serials = count(start + clients * each)
        return pgbench.run(self.script, start=start, clients=clients, each=each)


@contextmanager
def scratch_database() -> Iterator[None]:
    address = fresh_database(SCRATCH)
    os.environ["DATABASE_URL"] = address
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = SCRATCH
    yield


@contextmanager
def _server(settings_module: str) -> Iterator[int]:
    env = {"DJANGO_SETTINGS_MODULE": settings_module}
    with running_server(env, workers=2) as base_url:
        yield int(httpx.URL(base_url).port or 0)
