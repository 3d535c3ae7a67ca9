"""What log lines must not tell."""

import logging
import re
from typing import Any

# PostgreSQL quotes a row's values there, line breaks and all; a blank line ends the message.
QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT):.*?(?=^$|\Z)", re.DOTALL | re.MULTILINE)


class DiscreetFormatter(logging.Formatter):
    """Leave out of tracebacks what PostgreSQL quotes of a row."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  (the name is logging's)
        return QUOTED_ROW.sub("", super().formatException(ei)).rstrip()
