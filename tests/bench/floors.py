"""What any Django project pays: a bare view, and a bare DRF view behind the same token check."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clerk.tokens import SessionClaims, verify_session_token

ANSWER = {"status": "ok"}
# Said by CommonMiddleware elsewhere; without it the answer would come in chunks.
LENGTH = {"Content-Length": str(len('{"status":"ok"}'))}


def bare_view(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        ANSWER,
        status=200 if request.body is not None else 400,
        headers=LENGTH,
        json_dumps_params={"separators": (",", ":")},
    )


class TokenOnly(BaseAuthentication):
    """Check the session token, and look nobody up."""

    def authenticate(self, request: Request) -> tuple[None, SessionClaims]:
        token = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        return None, verify_session_token(token, now=timezone.now())


class BareDrfView(APIView):
    """Check the token, read the body, answer."""

    authentication_classes = [TokenOnly]
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        return Response(ANSWER, headers=LENGTH)

    def post(self, request: Request) -> Response:
        return Response(ANSWER, status=200 if request.data is not None else 400, headers=LENGTH)


urlpatterns = [
    path("django", bare_view),
    path("drf", BareDrfView.as_view()),
    path("livez", bare_view),
]
