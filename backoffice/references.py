"""Which row an opaque reference, `kind:id`, stands for; apps above tell those below."""

from collections.abc import Callable

from django.db.models import Model

Finder = Callable[[str], Model | None]
_finders: dict[str, Finder] = {}


def register_reference(kind: str, find: Finder) -> None:
    """Let `find` say which row `kind:…` stands for, given what follows the colon."""
    _finders[kind] = find


def row_behind(reference: str) -> Model | None:
    """Return the row that a reference stands for; None if nobody knows, or it is gone."""
    kind, _colon, id_ = reference.partition(":")
    find = _finders.get(kind)
    return find(id_) if find else None
