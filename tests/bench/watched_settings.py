"""Settings of the server that is watched as in production."""

from tests.bench.settings import *  # noqa: F403

LOGGING["root"]["level"] = "INFO"  # noqa: F405
