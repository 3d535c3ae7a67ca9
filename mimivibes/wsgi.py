"""The WSGI application; it refuses to load with unsafe settings, for app servers run no checks."""

import logging
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mimivibes.settings")
django.setup()

from mimivibes.checks import refuse_unsafe_settings  # noqa: E402  (needs the apps loaded)

refuse_unsafe_settings()  # before the middleware is made, which would stumble over them
if settings.IS_TRACED:
    from mimivibes.tracing import start_tracing

    start_tracing()
logging.captureWarnings(True)  # into the log, as lines like the others
application = get_wsgi_application()
