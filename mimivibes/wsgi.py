"""The WSGI application; it refuses to load with unsafe settings, for app servers run no checks."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mimivibes.settings")

application = get_wsgi_application()

from mimivibes.checks import refuse_unsafe_settings  # noqa: E402  (needs the apps loaded)

refuse_unsafe_settings()
