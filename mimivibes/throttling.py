"""Rate limits: by user when signed in, by address when not; services are not limited."""

import logging
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.addresses import network_of
from accounts.models import ApiKey

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView

LEFT_ALONE_FOR = 5.0
"""Seconds in which a process does not ask a Redis that did not answer."""

logger = logging.getLogger(__name__)


class CallerThrottle(SimpleRateThrottle):
    """Count a signed-in user under the rate `user`, a visitor's address under `public`.

    While Redis is not there nobody is counted: limits are worth less than the service. It is left
    alone for a while then, for each asking could take as long as its timeout.
    """

    scope = "public"
    asks_again_at = 0.0
    """By `time.monotonic`, for all of this process."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, ApiKey) or getattr(request, "is_asked_again", False):
            return True
        if time.monotonic() < CallerThrottle.asks_again_at:
            return True
        if request.user:
            self.scope = "user"
            self.rate = self.get_rate()
            self.num_requests, self.duration = self.parse_rate(self.rate)
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            CallerThrottle.asks_again_at = time.monotonic() + LEFT_ALONE_FOR
            logger.warning("No rate limits just now: %s", type(error).__name__)
            return True

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        ident = request.user.pk if request.user else network_of(request.META.get("REMOTE_ADDR", ""))
        return self.cache_format % {"scope": self.scope, "ident": ident}
