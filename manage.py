#!/usr/bin/env python
"""Run a management command: `python manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError, connection
from psycopg.errors import InsufficientPrivilege, UndefinedTable

from mimivibes.logs.uncaught import log_uncaught

WHAT_TO_DO = {
    InsufficientPrivilege: "The user in DATABASE_URL may not do this ({}): name one who may.",
    UndefinedTable: "The database is not up to date ({}): run `manage.py migrate` first.",
}
"""What an operator has not done yet, and is told in a sentence; `--traceback` shows where."""

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mimivibes.settings")
    # Where servers add up their counters. A command's would stay for ever, and the schedule runs
    # thousands a day.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    sys.excepthook = log_uncaught
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is wrong: one sentence, no traceback
        sys.exit(str(error))
    except OperationalError as error:
        if connection.connection is not None:  # a statement failed, not the connection
            raise
        sys.exit(f"The database cannot be reached: {error}")
    except ProgrammingError as error:
        told = WHAT_TO_DO.get(type(error.__cause__))  # type: ignore[arg-type]  # None is no key
        if told is None or "--traceback" in sys.argv:
            raise
        sys.exit(told.format(str(error).partition("\n")[0]))
