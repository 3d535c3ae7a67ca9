"""Settings of the floors: no middleware, two views."""

from tests.bench.settings import *  # noqa: F403

MIDDLEWARE = []
ROOT_URLCONF = "tests.bench.floors"
INSTALLED_APPS.remove("django.contrib.admin")  # noqa: F405  (it asks for middleware)
