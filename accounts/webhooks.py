"""Where Clerk posts its webhooks."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.services import receive_webhook

SIZE_LIMIT = 256 * 1024


class TooLarge(Exception):
    """A delivery may have 256 kB."""


class ClerkWebhookView(APIView):
    """Take a delivery; the signature over its raw body is all that is believed."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @extend_schema(
        operation_id="webhooks_clerk",
        auth=[],
        request={"application/json": {"type": "object"}},
        responses=inline_serializer(
            "WebhookOutcome",
            {"status": serializers.ChoiceField(["processed", "duplicate", "ignored"])},
        ),
    )
    def post(self, request: Request) -> Response:
        """Receive a signed event of Clerk's (svix headers)."""
        if _announced_length(request) > SIZE_LIMIT:
            raise TooLarge
        status = receive_webhook(
            body=request._request.body, headers=request.headers, now=timezone.now()
        )
        return Response({"status": status})


def _announced_length(request: Request) -> int:
    """Return Content-Length; Django reads no byte beyond it, and none if it is missing."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    return int(length) if length.isascii() and length.isdigit() else 0
