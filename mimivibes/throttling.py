"""Rate limits: by user when signed in, by address when not; services are not limited."""

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.addresses import network_of
from accounts.models import ApiKey

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class CallerThrottle(SimpleRateThrottle):
    """Count a signed-in user under the rate `user`, a visitor's address under `public`.

    While Redis is not there nobody is counted: limits are worth less than the service.
    """

    scope = "public"

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, ApiKey) or getattr(request, "is_asked_again", False):
            return True
        if request.user:
            self.scope = "user"
            self.rate = self.get_rate()
            self.num_requests, self.duration = self.parse_rate(self.rate)
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("No rate limits just now: %s", type(error).__name__)
            return True

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        ident = request.user.pk if request.user else network_of(request.META.get("REMOTE_ADDR", ""))
        return self.cache_format % {"scope": self.scope, "ident": ident}
