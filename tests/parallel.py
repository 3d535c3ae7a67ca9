"""Race: run callables at the same moment, each in its own thread, on its own connection."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

Outcome = TypeVar("Outcome")


def race(runners: Sequence[Callable[[], Outcome]]) -> list[Outcome | Exception]:
    """Return what each runner returned or raised, in order. For tests with `transaction=True`."""
    start = Barrier(len(runners))

    def run(runner: Callable[[], Outcome]) -> Outcome | Exception:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return runner()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def at_once(*calls: Callable[[], Outcome]) -> list[Outcome]:
    """Race the calls and return their results, in order; the first error is raised."""
    results = []
    for outcome in race(calls):
        if isinstance(outcome, Exception):
            raise outcome
        results.append(outcome)
    return results
