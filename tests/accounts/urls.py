"""Endpoints of the three kinds, for what needs one: for people, for services, for everybody."""

from typing import Any

from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class PersonView(APIView):
    def get(self, request: Request) -> Response:
        return Response(
            {
                "clerk_id": request.user.clerk_id,
                "caller": request.auth.caller,
                "session_id": request.auth.session_id,
                "impersonator": request.auth.impersonator,
            }
        )

    post = get


class ServiceView(APIView):
    required_scope = "events"

    def post(self, request: Request) -> Response:
        return Response({"caller": request.auth.caller})


class PublicView(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"caller": getattr(request.auth, "caller", None)})


urlpatterns: list[Any] = [
    path("api/v1/", include("accounts.urls")),
    path("api/v1/person", PersonView.as_view()),
    path("api/v1/service", ServiceView.as_view()),
    path("api/v1/public", PublicView.as_view()),
]
