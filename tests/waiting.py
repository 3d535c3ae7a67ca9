"""Wait for what another thread, process or server does; the only place where tests sleep for it."""

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 60
"""Far longer than anything takes: nobody waits for it but where something is wrong."""

Found = TypeVar("Found")


def until(is_so: Callable[[], Found], process: "subprocess.Popen[str] | None" = None) -> Found:
    """Return what is found as soon as there is something; fail if the process ends without it."""
    deadline = time.monotonic() + SECONDS
    while True:
        has_ended = process is not None and process.poll() is not None
        if found := is_so():
            return found
        if has_ended or time.monotonic() > deadline:
            raise AssertionError(("It did not come.", process and _last_words(process)))
        time.sleep(0.005)


def _last_words(process: "subprocess.Popen[str]") -> tuple[str, str]:
    process.kill()
    return process.communicate()
