"""What it costs a request to be logged, counted and traced: servers with and without, in turns."""

import os
import sys
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median

import httpx
from django.utils import timezone

from accounts.services import create_api_key
from tests.bench.load import send_all
from tests.bench.measure import scratch_database
from tests.bench.operations import Operation, operations
from tests.bench.population import populate
from tests.monitoring.collector import Collector
from tests.server import running_server

CALLS = ("GET /me", "spend")
WARM_UP = 64
UNWATCHED, WATCHED, TRACED = "unwatched", "logged and counted", "and every request traced"


def main(*, rounds: int, seconds: float) -> None:
    """Print how many times as long a request takes as on a server that nobody watches."""
    load = os.getloadavg()[0]
    with scratch_database(), ExitStack() as stack:
        _, key = create_api_key(name="bench", scopes=["rewards:spend"], now=timezone.now())
        populate(claimers=range(0), readers=range(0))
        ports = _servers(stack)
        for operation in operations(key):
            if operation.name in CALLS:
                _compare(operation, ports, rounds=rounds, seconds=seconds)
    sys.stdout.write(f"Load average before: {load:.1f}\n")


def _servers(stack: ExitStack) -> dict[str, int]:
    collector = stack.enter_context(Collector())
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    output = stack.enter_context((folder / "log").open("wb"))
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    ports = {}
    for name, module, more in (
        (UNWATCHED, "tests.bench.unwatched_settings", {}),
        (WATCHED, "tests.bench.watched_settings", {}),
        (TRACED, "tests.bench.watched_settings", traced),
    ):
        env = {
            "DJANGO_SETTINGS_MODULE": module,
            "PROMETHEUS_MULTIPROC_DIR": str(folder / str(len(ports))),
            **more,
        }
        address = stack.enter_context(running_server(env, workers=2, output=output))
        ports[name] = int(httpx.URL(address).port or 0)
    return ports


def _compare(operation: Operation, ports: dict[str, int], *, rounds: int, seconds: float) -> None:
    serials = count(operation.first)
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for number in range(rounds + 1):
        amount = round(operation.pace * seconds) if number else WARM_UP
        for name, port in ports.items():
            requests = [operation.build(next(serials)) for _ in range(amount)]
            sent = [request.encoded(operation.path) for request in requests]
            rate = send_all(port, sent, connections=operation.connections)
            if number:
                rates[name].append(rate)
    for name in (WATCHED, TRACED):
        ratio = median(a / b for a, b in zip(rates[UNWATCHED], rates[name], strict=True))
        sys.stdout.write(f"| {operation.name} | {name} | {ratio:.2f} |\n")
