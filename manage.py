#!/usr/bin/env python
"""Run a management command: `python manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, connection

from mimivibes.logs.uncaught import log_uncaught

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mimivibes.settings")
    sys.excepthook = log_uncaught
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is wrong: one sentence, no traceback
        sys.exit(str(error))
    except OperationalError as error:
        if connection.connection is not None:  # a statement failed, not the connection
            raise
        sys.exit(f"The database cannot be reached: {error}")
