"""The settings of the tests as a deployment has them, for `check --deploy`."""

from tests.settings import *  # noqa: F403

SECURE_SSL_REDIRECT = True
TRUSTED_PROXIES = ["10.0.0.10"]
REDIS_URL = "redis://10.0.0.20:6379/0"
ADMIN_SECOND_FACTOR_REQUIRED = True
