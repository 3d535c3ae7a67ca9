"""One person's data as JSON, piece by piece, so that no history is too long for the memory."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.models import User
from mimivibes.personal_data.sections import SECTIONS, Section, person, time
from rewards.services import balances_of

SCHEMA = "mimivibes.person/1"
PAGE = 1_000
"""Rows that are in memory at a time; of the others, only the keys of their section."""


class PersonExport:
    """One export: its text is made while it is written or sent; `rows` counts what is in it."""

    def __init__(self, user: User, *, now: datetime) -> None:
        self.user = user
        self.now = now
        self.rows: dict[str, int] = {}

    @property
    def file_name(self) -> str:
        return f"person-{self.user.pk}-{self.now:%Y-%m-%d}.json"

    def chunks(self) -> Iterator[str]:
        """Yield one JSON object in pieces; `complete` ends it, and is not in what was cut off."""
        head = {
            "schema": SCHEMA,
            "exported_at": time(self.now),
            "person": person(self.user),
            "balances": balances_of(self.user.pk).as_dict(),
        }
        yield "{\n" + ",\n".join(_member(name, value) for name, value in head.items())
        for section in SECTIONS:
            yield from self._section(section)
        tail = {"rows": self.rows, "complete": True}
        yield ",\n" + ",\n".join(_member(name, value) for name, value in tail.items()) + "\n}\n"

    def _section(self, section: Section) -> Iterator[str]:
        self.rows[section.name] = 0
        yield f",\n{json.dumps(section.name)}: ["
        for page in _pages(section, self.user):
            lines = ",\n".join(_json(section.shown(row)) for row in page)
            yield (",\n" if self.rows[section.name] else "\n") + lines
            self.rows[section.name] += len(page)
        yield "]"


def holdings(user: User) -> dict[str, int]:
    """Return how many rows of each section there are."""
    return {section.name: section.rows(user).count() for section in SECTIONS}


def _pages(section: Section, user: User) -> Iterator[list[Any]]:
    """Read the keys, then the rows by their keys, page by page.

    No cursor stays open, which PgBouncer could not keep, and no page has to find the person's rows
    among all others anew.
    """
    rows = section.rows(user)
    keys = sorted(rows.values_list("pk", flat=True))
    for start in range(0, len(keys), PAGE):
        yield list(rows.filter(pk__in=keys[start : start + PAGE]).order_by("pk"))


def _member(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
