"""Django's `migrate`, which does not let a busy table stop the service.

`ALTER TABLE` waits for whoever uses the table, and everybody who comes after waits behind it. So
within a transaction a statement waits only some seconds for a lock; the migration then leaves
nothing behind, and may be run again. What runs outside of a transaction, such as CREATE INDEX
CONCURRENTLY, keeps nobody waiting, and must not be cut short: it would leave an invalid index.
"""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from accounts.management.reporting import ReportingCommand, number_between

SECONDS = 5


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
                    " not made and has changed nothing. Run it again; if it goes on, look for long"
                    " transactions in pg_stat_activity."
                ) from error


class _ShortWait:
    """Limit, within a transaction only, how long its statements wait for locks."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if self.seconds and context["connection"].in_atomic_block:
            # It ends with the transaction, so it is right behind PgBouncer too.
            context["cursor"].cursor.execute(f"SET LOCAL lock_timeout = '{self.seconds}s'")
        return execute(sql, params, many, context)
