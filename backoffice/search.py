"""Search as staff type on a phone, served by indexes however large the tables are.

People are looked up first, by how an id, an address or a name begins; what belongs to them is then
found by their row ids. So no search joins tables, and none reads a whole one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, reduce
from operator import itemgetter, or_
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Func, IntegerField, Q, QuerySet, Value

LONGEST = 320
"""As long as the longest thing that can be found, an e-mail address."""
MOST_FOUND = 500
"""Of people, or of rows found first; whoever gets that many wants to type more."""
MOST_WORDS = 4

_INVISIBLE = "\u00ad\u200b\u200c\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\x00"
_SPELLED = {
    **{ord(sign): None for sign in _INVISIBLE},
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width letters and signs
    **dict.fromkeys(map(ord, "‘’‛′ʼ´`"), "'"),
    **dict.fromkeys(map(ord, '"“”„‟″«»')),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣"), "-"),
}
_AROUND = " '<>()[]{},;:!?"
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def cleaned(text: str) -> str:
    """Return what was meant: plain signs for typographic and full-width ones, single spaces.

    Letters stay as they are: Unicode's compatibility forms would break Thai vowels apart.
    """
    plain = unicodedata.normalize("NFC", text[: LONGEST * 4]).translate(_SPELLED)
    printable = "".join(
        " " if unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in plain
    )
    return " ".join(printable.split())[:LONGEST].strip(_AROUND).rstrip(".")


class Term:
    """What somebody is looking for."""

    def __init__(self, typed: str) -> None:
        self.text = cleaned(typed)
        self.compact = self.text.replace(" ", "")
        """Without the spaces that a phone puts into addresses and codes."""

    @cached_property
    def uuid(self) -> UUID | None:
        """The UUID in it, alone or as in `attribution:<UUID>`."""
        found = _UUID.search(self.compact)
        return UUID(found[0]) if found else None

    @cached_property
    def number(self) -> int | None:
        is_number = self.compact.isascii() and self.compact.isdecimal() and len(self.compact) < 19
        return int(self.compact) if is_number else None

    @cached_property
    def _people(self) -> list[int]:
        if not self.text:
            return []
        everybody = get_user_model()._default_manager.all()
        return found_first(everybody, _exactly(self), _begins(self))

    @property
    def people(self) -> list[int]:
        """Row ids of the people found, those whose id or address it is exactly before others."""
        return self._people[:MOST_FOUND]

    @property
    def is_cut(self) -> bool:
        """Whether it fits more people than are looked at."""
        return len(self._people) > MOST_FOUND


Finder = Callable[[Term], Q]
NOTHING = Q(pk__in=())


def found_first(rows: QuerySet[Any], *conditions: Q, key: str = "pk") -> list[Any]:
    """Return `key` of the rows that fit a condition, in the order of the conditions.

    One more than `MOST_FOUND` at most. One statement, in which each alternative is a query by an
    index of its own: PostgreSQL cannot be led to read the table.
    """
    alternatives = [
        rows.filter(alternative)
        .order_by()
        .values_list(key, Value(rank, output_field=IntegerField()))[: MOST_FOUND + 1]
        for rank, condition in enumerate(conditions)
        for alternative in _alternatives(condition)
    ]
    ranked = sorted(_together(alternatives), key=itemgetter(1))
    return list(dict.fromkeys(value for value, _ in ranked))[: MOST_FOUND + 1]


def narrowed(rows: QuerySet[Any], condition: Q, *, most: int) -> QuerySet[Any]:
    """Return those of `rows`, ordered as they are, that fit; of each alternative the first `most`.

    The alternatives are found first, each by its index, then sorted. Were they one condition,
    PostgreSQL would go through the rows in their order until a page is full, all of them if what
    fits is old.
    """
    alternatives = [
        rows.filter(alternative).values("pk")[:most]
        for alternative in _alternatives(condition)
        if alternative != NOTHING
    ]
    return among(rows, _together(alternatives)) if alternatives else rows.none()


def among(rows: QuerySet[Any], ids: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of `rows` with these ids; the ids are found first, then the rows."""
    return rows.filter(_IsAmong("pk", ArraySubquery(ids)))


class _IsAmong(Func):
    """An id is in an array; PostgreSQL takes arrays for short, and looks each id up."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _together(alternatives: list[QuerySet[Any]]) -> QuerySet[Any]:
    first, *others = alternatives
    return first.union(*others, all=True) if others else first


def _alternatives(condition: Q) -> Iterator[Q]:
    if condition.negated or (condition.connector != Q.OR and len(condition) > 1):
        yield condition
        return
    for child in condition.children:
        if isinstance(child, Q):
            yield from _alternatives(child)
        else:
            yield Q(child)


def _exactly(term: Term) -> Q:
    return Q(clerk_id=term.compact) | Q(username=term.text) | Q(email__iexact=term.compact)


def _begins(term: Term) -> Q:
    """Fit ids and addresses, names, and a first with a last name in either order."""
    fits = Q(clerk_id__istartswith=term.compact)
    fits |= Q(email__istartswith=term.compact) | Q(username__istartswith=term.compact)
    for text in _spellings(term.text):
        fits |= Q(first_name__istartswith=text) | Q(last_name__istartswith=text)
        for one, other in _two_names(text):
            fits |= Q(first_name__istartswith=one, last_name__istartswith=other)
    return fits


def _spellings(text: str) -> set[str]:
    """Return a name as it is typed and as phones write it into forms."""
    return {text, text.replace("'", "’")}


def _two_names(text: str) -> Iterator[tuple[str, str]]:
    words = text.split(" ")[:MOST_WORDS]
    for n in range(1, len(words)):
        one, other = " ".join(words[:n]), " ".join(words[n:])
        yield one, other
        yield other, one


def people(*fields: str) -> Finder:
    """Find rows by the people whom `fields` refer to."""
    return lambda term: any_of(Q(**{f"{field}__in": term.people}) for field in fields)


def people_themselves(term: Term) -> Q:
    """Find people."""
    return Q(pk__in=term.people)


def exactly(*fields: str) -> Finder:
    """Find rows by the whole of a value."""
    return lambda term: any_of(
        Q(**{field: text}) for field in fields for text in {term.text, term.compact}
    )


def begins(*fields: str) -> Finder:
    """Find rows by how a value begins, its case as typed; for columns with an index for that."""
    return lambda term: any_of(
        Q(**{f"{field}__startswith": text})
        for field in fields
        for text in {term.text, term.compact}
    )


def begins_in_any_case(*fields: str) -> Finder:
    """Find rows by how a value begins; for small tables, or columns with an index on `upper`."""
    return lambda term: any_of(Q(**{f"{field}__istartswith": term.text}) for field in fields)


def uuid(*fields: str) -> Finder:
    """Find rows by a UUID."""
    return lambda term: any_of(Q(**{field: term.uuid}) for field in fields if term.uuid)


def number(*fields: str) -> Finder:
    """Find rows by a number."""
    return lambda term: any_of(Q(**{field: term.number}) for field in fields if term.number)


def any_of(conditions: Iterable[Q]) -> Q:
    """Return the condition that any of these holds; of none, one that never does."""
    return reduce(or_, conditions, NOTHING)
