"""The replaced system's database: read, never written, all of it as of one moment.

One transaction, read-only and of one snapshot, holds whatever is read, so that balances, codes and
transactions fit each other however long it takes; it also keeps to one server connection behind
PgBouncer in transaction mode. Rows come by cursors of the server, a page at a time, so memory does
not grow with the tables.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

Row = dict[str, Any]

TABLES = {
    "User": (
        "id", "email", "name", "tel", "imageUrl", "createdAt", "updatedAt", "stars", "coins",
        "exp", "level", "freePoint", "role", "prestigeLevel", "prestigePoints",
    ),
    "referral_codes": ("id", "userId", "code", "referredBy", "isUsed", "usedAt", "createdAt"),
    "PointTransaction": (
        "id", "userId", "eventType", "deltaPoint", "deltaCoins", "deltaExp", "metadata",
        "createdAt",
    ),
    "reward_configurations": ("id", "name", "rewards", "isActive"),
    "ExchangeSetting": ("id", "exchangeType", "receivedItem", "coinPerUnit", "isActive"),
    "CoinExchange": (
        "id", "userId", "exchangeType", "coinAmount", "receivedItem", "receivedAmount",
        "metadata", "status", "createdAt",
    ),
    "readings": ("id", "userId", "isDeleted", "createdAt"),
}  # fmt: skip

# What Prisma puts into an address and libpq does not know.
PRISMAS_OWN = {
    "schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout",
    "statement_cache_size", "sslaccept", "sslidentity", "sslpassword",
}  # fmt: skip


NO_ADDRESS = (
    "The source is no address of a database: postgresql://user@host:5432/database, with special"
    " characters percent-encoded."
)


class SourceUnusable(Exception):
    """The source cannot be read, or is not the replaced system's database."""


class Source:
    """An open snapshot of the replaced system's database."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection
        self._cursors = 0

    def pages(self, statement: LiteralString, *, size: int) -> Iterator[list[Row]]:
        """Yield the rows of a statement, up to `size` at a time."""
        self._cursors += 1
        with self._connection.cursor(f"import_{self._cursors}") as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(size):
                yield rows

    def rows(self, statement: LiteralString, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a statement that has few."""
        return self._connection.execute(statement, values or None).fetchall()

    def check(self) -> None:
        """Raise `SourceUnusable` naming the tables and columns that are missing."""
        found = {
            (row["table_name"], row["column_name"])
            for row in self.rows(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = ANY(current_schemas(false))"
            )
        }
        missing = [
            f'"{table}"."{column}"'
            for table, columns in TABLES.items()
            for column in columns
            if (table, column) not in found
        ]
        if missing:
            raise SourceUnusable(
                "The source is not the replaced system's database, or its user may not read it."
                f" Missing: {', '.join(missing[:5])}"
                + (f" and {len(missing) - 5} more." if len(missing) > 5 else ".")
            )


@contextmanager
def opened(url: str) -> Iterator[Source]:
    """Open the database at `url` for reading. Raises `SourceUnusable`, which tells no password."""
    address, schema = _understood(url)
    try:
        connection = psycopg.connect(
            address, row_factory=dict_row, prepare_threshold=None, connect_timeout=10
        )
    except psycopg.Error as error:
        raise SourceUnusable(f"The source cannot be reached: {_first_line(error)}") from None
    with connection:
        # Said when the transaction begins, for a pooler may drop what is said at the start.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            connection.execute("SET LOCAL TIME ZONE 'UTC'")
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("SET LOCAL statement_timeout = 0")
            if schema:
                connection.execute(
                    sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema))
                )
            source = Source(connection)
            source.check()
            yield source
        except psycopg.OperationalError as error:  # errors of our own database are Django's
            raise SourceUnusable(
                f"The source was lost on the way: {_first_line(error)}. Run it again to go on."
            ) from None
        finally:
            if not connection.broken:
                connection.rollback()


def _understood(url: str) -> tuple[str, str]:
    """Return the address without what is Prisma's own, and the schema that it names."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SourceUnusable(NO_ADDRESS) from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SourceUnusable("The source is an address that begins with postgresql://.")
    if parts.netloc.count("@") > 1 or "@" in f"{parts.path}{parts.fragment}":
        raise SourceUnusable(NO_ADDRESS)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(asked).get("schema", "")
    known = [(name, value) for name, value in asked if name not in PRISMAS_OWN]
    address = urlunsplit(parts._replace(query=urlencode(known, quote_via=quote)))
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:  # which quotes what it cannot read
        raise SourceUnusable(NO_ADDRESS) from None
    return address, schema


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
