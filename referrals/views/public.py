"""What a visitor may call, signed in or not."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import visitor_of
from referrals.browser_session import browser_of
from referrals.serializers import (
    CodeSerializer,
    CurrentCaptureSerializer,
    NewCaptureSerializer,
    StoredSerializer,
    TermsSerializer,
    ValidCodeSerializer,
)
from referrals.services.captures import capture_code, current_capture, forget_captures
from referrals.services.reports import default_terms, offer_of


class OriginNotAllowed(Exception):
    """Another site may not store codes in a browser."""


class ValidateView(APIView):
    """Say whether a code can be used, and what it brings."""

    permission_classes = [AllowAny]
    reads_may_lag = True

    @extend_schema(request=CodeSerializer, responses=ValidCodeSerializer)
    def post(self, request: Request) -> Response:
        asked = CodeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        offer = offer_of(code=asked.validated_data["code"], now=timezone.now())
        answer = {
            "code": offer.code.code,
            "valid": True,
            "referrer": offer.code.owner,
            "rewards": {
                "referee": offer.terms.referee_amounts,
                "referrer": offer.terms.referrer_amounts,
            },
        }
        return Response(ValidCodeSerializer(answer).data)


class CapturesView(APIView):
    """Store an opened invitation for this browser session, or for who is signed in."""

    permission_classes = [AllowAny]

    @extend_schema(
        request=NewCaptureSerializer, responses={201: StoredSerializer, 200: StoredSerializer}
    )
    def post(self, request: Request) -> Response:
        _require_allowed_origin(request)
        asked = NewCaptureSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        stored = capture_code(
            user=visitor_of(request),
            browser=browser_of(request),
            now=timezone.now(),
            **asked.validated_data,
        )
        request._request.browser = stored.browser  # type: ignore[attr-defined]
        return Response(
            StoredSerializer(stored).data,
            status=status.HTTP_201_CREATED if stored.is_new else status.HTTP_200_OK,
        )


class CurrentCaptureView(APIView):
    """Show, or forget, what a claim by this caller would use."""

    permission_classes = [AllowAny]

    @extend_schema(responses=CurrentCaptureSerializer)
    def get(self, request: Request) -> Response:
        capture = current_capture(
            user=visitor_of(request), browser=browser_of(request), now=timezone.now()
        )
        return Response(CurrentCaptureSerializer({"capture": capture}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        forget_captures(user=visitor_of(request), browser=browser_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RewardsView(APIView):
    """Show what the default program pays, and for what."""

    permission_classes = [AllowAny]
    reads_may_lag = True

    @extend_schema(responses=TermsSerializer)
    def get(self, request: Request) -> Response:
        return Response(TermsSerializer(default_terms(now=timezone.now())).data)


def _require_allowed_origin(request: Request) -> None:
    """Refuse other sites: a page anywhere could else stuff its own code into a visitor's browser.

    A browser names the page's origin in every POST; programs that are no browsers need not.
    """
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin not in {own, *settings.CORS_ALLOWED_ORIGINS}:
        raise OriginNotAllowed
