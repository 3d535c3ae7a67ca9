"""The settings of the tests as a deployment has them, for `check --deploy`."""

from tests.settings import *  # noqa: F403

SECURE_SSL_REDIRECT = True
