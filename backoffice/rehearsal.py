"""Show what a verb would do by doing it and taking it back; do it only as it was shown."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from django.db import connection, transaction


class Shown(Protocol):
    """What a verb brings about, with a digest by which two of them are known to be the same."""

    @property
    def digest(self) -> str: ...


Result = TypeVar("Result", bound=Shown)


class PreviewStale(Exception):
    """What this would do has changed since it was shown."""

    def __init__(self, effect: Any) -> None:
        super().__init__(self.__doc__)
        self.effect = effect


def rehearse(act: Callable[[], Result]) -> Result:
    """Return what `act` would do, and leave nothing of it behind. Raises what `act` raises.

    Checks that wait for a commit, which does not come here, are made as well.
    """
    with transaction.atomic():
        effect = act()
        connection.check_constraints()
        transaction.set_rollback(True)
    return effect


def carry_out(act: Callable[[], Result], *, seen: str) -> Result:
    """Do what was shown under the digest `seen`.

    `act` takes its locks before it looks, so what it returns is what it did. If that is not what
    was shown, all of it is undone and `PreviewStale` is raised with what it would do now.
    """
    with transaction.atomic():
        effect = act()
        if effect.digest != seen:
            raise PreviewStale(effect)
    return effect
