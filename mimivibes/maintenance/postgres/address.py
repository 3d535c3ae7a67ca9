"""Where a database is, for psycopg, for PostgreSQL's own tools, and for a `DATABASE_URL`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

VARIABLES = {
    option.keyword.decode(): option.envvar.decode()
    for option in Conninfo.get_defaults()
    if option.envvar
}
"""libpq's keywords, and the environment variable for each. A password has one, too."""
NOT_OF_LIBPQ = frozenset({"client_encoding"})
"""What Django or psycopg sets for its own connections: the tools choose for themselves."""


class BadAddress(ValueError):
    """It is not an address that libpq understands."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database in libpq's words: host, port, user, password, dbname, sslmode, ..."""

    parameters: Mapping[str, str]

    @classmethod
    def read(cls, url: str) -> "Address":
        """Read `postgres://user@host:port/database`. Raises `BadAddress`, without repeating it."""
        try:
            found = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise BadAddress("It is not of the form postgres://user@host:5432/database.") from error
        return cls({key: str(value) for key, value in found.items() if value is not None})

    def of(self, database: str) -> "Address":
        """Return the address of another database on the same server."""
        return Address({**self.parameters, "dbname": database})

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        return psycopg.connect(**dict(self.parameters), autocommit=autocommit)  # type: ignore[arg-type]

    def environment(self) -> dict[str, str]:
        """Return the variables by which the tools find it: nothing shows on a command line."""
        return {VARIABLES[key]: value for key, value in self.parameters.items() if key in VARIABLES}

    def url(self) -> str:
        """Return it as a `DATABASE_URL`; what is not user, password or name stands in the query."""
        rest = dict(self.parameters)
        user, password = rest.pop("user", ""), rest.pop("password", "")
        name = quote(rest.pop("dbname", ""), safe="")
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        # libpq takes a plus for a plus, not for a space.
        return f"postgres://{who}@/{name}?{urlencode(rest, quote_via=quote)}"


def direct_address() -> Address:
    """Return where our own database is reached without a pooler in between.

    A dump needs a session of its own, which PgBouncer in transaction mode does not give. Raises
    `BadAddress` for a `DATABASE_DIRECT_URL` that cannot be read.
    """
    if settings.DATABASE_DIRECT_URL:
        try:
            return Address.read(settings.DATABASE_DIRECT_URL)
        except BadAddress as error:
            raise BadAddress(f"DATABASE_DIRECT_URL cannot be read. {error}") from error
    parameters = connection.get_connection_params()
    return Address(
        {
            key: str(value)
            for key, value in parameters.items()
            if key in VARIABLES and key not in NOT_OF_LIBPQ
        }
    )
