"""Wait for something to become so."""

import time
from collections.abc import Callable

import httpx
import psycopg


class TooLong(Exception):
    """What was waited for did not come about."""


def until(what: str, is_so: Callable[[], object], *, seconds: float = 60) -> float:
    """Wait until `is_so` is true; return how many seconds that took. Raises `TooLong`.

    Servers that are only coming up refuse connections: that counts as not yet.
    """
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if is_so():
                return time.monotonic() - began
        except (httpx.HTTPError, psycopg.Error):
            pass
        time.sleep(0.25)
    raise TooLong(f"After {seconds:.0f} s it is not so that {what}.")
