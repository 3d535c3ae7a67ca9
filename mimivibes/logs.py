"""What log lines must not tell."""

import logging
from typing import Any


class DiscreetFormatter(logging.Formatter):
    """Leave out of tracebacks the lines in which PostgreSQL quotes a row's values."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  (the name is logging's)
        lines = super().formatException(ei).splitlines()
        return "\n".join(line for line in lines if not line.startswith(("DETAIL:", "CONTEXT:")))
