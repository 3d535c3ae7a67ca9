"""Settings of the server that the journeys speak to.

Everybody comes through one proxy, which names their addresses; a test may send more in a minute
than people do.
"""

from tests.settings import *  # noqa: F403

TRUSTED_PROXIES = ["127.0.0.1"]
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"public": "1000000/s", "user": "1000000/s"}  # noqa: F405
VELOCITY_REFERRER_PER_HOUR = 100_000
