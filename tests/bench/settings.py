"""Settings of the measured server: production's, but nobody is ever too many or too fast.

Commits do not wait for the disk, here nor in pgbench: its speed would hide what is compared.
"""

from tests.settings import *  # noqa: F403

TRUSTED_PROXIES = ["127.0.0.1"]
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {  # noqa: F405
    "public": "1000000000/min",
    "user": "1000000000/min",
}
VELOCITY_REFERRER_PER_HOUR = 1_000_000_000
LOGGING["root"]["level"] = "WARNING"  # noqa: F405
