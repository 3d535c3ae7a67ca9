"""Django's `migrate`, which does not let a busy table stop the service.

`ALTER TABLE` waits for whoever uses the table, and everybody who comes after waits behind it. So
it waits only some seconds for a lock, as does whatever else runs within a transaction; the
migration may then be run again. What runs outside of a transaction, such as CREATE INDEX
CONCURRENTLY, keeps nobody waiting, and must not be cut short: it would leave an invalid index.
"""

import re
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections, transaction
from psycopg.errors import LockNotAvailable

from accounts.management.reporting import ReportingCommand, number_between

SECONDS = 5
ALTERS_A_TABLE = re.compile(r"\s*ALTER\s+TABLE\b", re.IGNORECASE)


class Command(ReportingCommand, migrate.Command):
    help = (
        "Bring the database up to date. A table that is in use is waited for a few seconds only;"
        " then nothing has changed, and the command may be run again."
    )
    example = "manage.py migrate --lock-timeout 10"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=number_between(0, 3600),
            default=SECONDS,
            metavar="SECONDS",
            help=f"How long to wait for a table that is in use ({SECONDS}; 0: for ever).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wait = _ShortWait(options.pop("lock_timeout"))
        with connections[options["database"]].execute_wrapper(wait):
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                raise CommandError(
                    f"A table was in use for more than {wait.seconds} s, so the last migration was"
                    " not made. Run it again; if it goes on, look for long transactions in"
                    " pg_stat_activity."
                ) from error


class _ShortWait:
    """Limit how long statements wait for locks: within a transaction, and every ALTER TABLE."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if not self.seconds:
            return execute(sql, params, many, context)
        connection = context["connection"]
        if not connection.in_atomic_block:
            if not ALTERS_A_TABLE.match(str(sql)):
                return execute(sql, params, many, context)
            with transaction.atomic(using=connection.alias):
                return self(execute, sql, params, many, context)
        # It ends with the transaction, so it is right behind PgBouncer too.
        context["cursor"].cursor.execute(f"SET LOCAL lock_timeout = '{self.seconds}s'")
        return execute(sql, params, many, context)
