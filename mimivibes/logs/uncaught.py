"""What nobody caught in a command, as a line like the others."""

import logging
import sys
from types import TracebackType

from django.conf import settings

logger = logging.getLogger("mimivibes.command")


def log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Take the place of `sys.excepthook`, which would print what no line may tell."""
    is_ours = issubclass(kind, Exception) and settings.configured and not settings.DEBUG
    if is_ours and logging.getLogger().handlers:
        logger.critical("%s failed", " ".join(sys.argv[1:2]), exc_info=(kind, error, trace))
    else:
        sys.__excepthook__(kind, error, trace)
