"""Databases that are made for one check and dropped after it, also when the check was killed.

Whose they are stands in their name, so that it is there from the first moment: the purpose, and
which database of which server they are for. Whoever holds the turn of that purpose may remove all.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from mimivibes.maintenance.postgres.address import Address
from mimivibes.processes import this_process

MILLISECONDS_TO_END = 10_000
LOCALE_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
LOCALE_OPTIONS = {"i": "ICU_LOCALE", "b": "BUILTIN_LOCALE"}


class MayNotCreateDatabases(Exception):
    """The role that we connect as has no right to make a scratch database."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Scratch databases on `server`, for one purpose of one source database."""

    source: Address
    server: Address
    marker: str
    """What their names begin with, and what the tools call their sessions."""
    like: dict[str, Any]
    """How the source keeps text: encoding and locale, as pg_database tells them."""

    @contextmanager
    def database(self) -> Iterator[Address]:
        """Give an empty database like the source; drop it whatever happens.

        Raises `MayNotCreateDatabases`.
        """
        name = f"{self.marker}_{secrets.token_hex(4)}"
        self._create(name)
        try:
            yield self.server.of(name)
        finally:
            self._drop(name)

    def remove_leftovers(self) -> list[str]:
        """Drop what killed runs left, and end what their tools still do; return the databases."""
        for address in (self.source, self.server):
            end_sessions(address, self.marker)
        with self.server.connect(autocommit=True) as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
                [f"{self.marker}_"],
            ).fetchall()
        for (name,) in found:
            self._drop(name)
        return [name for (name,) in found]

    def _create(self, name: str) -> None:
        database, options = sql.Identifier(name), sql.SQL(" ").join(_options(self.like))
        made_by = f"Scratch, made by {this_process()}; may be dropped."
        with self.server.connect(autocommit=True) as connection:
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(database, options)
                )
            except psycopg.errors.InsufficientPrivilege as error:
                raise MayNotCreateDatabases(
                    f"The role {connection.info.user} may not create databases, and a backup is"
                    " proved in one. Let it (ALTER ROLE ... CREATEDB), or name a role that may in"
                    " DATABASE_DIRECT_URL."
                ) from error
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(made_by))
            )

    def _drop(self, name: str) -> None:
        with self.server.connect(autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def scratch_of(source: Address, *, purpose: str, server: Address | None = None) -> Scratch:
    """Return the scratch databases for `purpose` of `source`, on its own server or on another."""
    with source.connect(autocommit=True) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        [like] = cursor.execute(
            "SELECT pg_database.*, pg_encoding_to_char(encoding) AS encoding_name,"
            " (SELECT system_identifier FROM pg_control_system()) AS server"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchall()
    which = hashlib.sha256(f"{like['server']} {like['oid']}".encode()).hexdigest()[:12]
    return Scratch(source, server or source, f"mimivibes_scratch_{purpose}_{which}", like)


def end_sessions(address: Address, label: str) -> None:
    """End what a killed run's tools, which outlive it, still do on this server."""
    with address.connect(autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity"
            " WHERE application_name = %s AND usename = current_user",
            [MILLISECONDS_TO_END, label],
        )


def _options(like: dict[str, Any]) -> Iterator[sql.Composable]:
    yield sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
        sql.Literal(like["encoding_name"]),
        sql.Literal(like["datcollate"]),
        sql.Literal(like["datctype"]),
    )
    provider = like["datlocprovider"]
    yield sql.SQL("LOCALE_PROVIDER {}").format(sql.Identifier(LOCALE_PROVIDERS[provider]))
    if provider in LOCALE_OPTIONS:
        locale = like.get("datlocale") or like.get("daticulocale")  # since 17; until 16
        yield sql.SQL(f"{LOCALE_OPTIONS[provider]} {{}}").format(sql.Literal(locale))
