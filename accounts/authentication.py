"""How DRF learns who calls: a person by Clerk token, or a service by API key."""

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.identity import Identity, identity_of
from accounts.models import ApiKey, User
from accounts.services import authenticate_api_key

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView


class TokenMissing(Exception):
    """Sign in first: this call needs a Clerk session token."""


class ApiKeyMissing(Exception):
    """This call is for services: it needs an API key."""


class ScopeMissing(Exception):
    """The API key lacks the scope that this call needs."""


class RequestAuthentication(BaseAuthentication):
    """Take what `ClerkIdentityMiddleware` found, or look up the API key.

    `request.auth` is an `Identity` or an `ApiKey`; both name themselves by `caller`. A refused
    token is an error on every endpoint, the public ones too: served as a visitor, its sender's
    codes would land in the wrong scope.
    """

    def authenticate(self, request: Request) -> tuple[User | None, Identity | ApiKey] | None:
        error = getattr(request, "clerk_identity_error", None)
        if error is not None:
            raise error
        identity = identity_of(request)
        if identity is not None:
            return identity.user, identity
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "api-key":
            return None
        return None, authenticate_api_key(key=key.strip(), now=timezone.now())


class CallerPermission(BasePermission):
    """Let services in where the view names a `required_scope`, signed-in people elsewhere."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        scope = getattr(view, "required_scope", None)
        if scope is None:
            if not isinstance(request.auth, Identity):
                raise TokenMissing
        elif not isinstance(request.auth, ApiKey):
            raise ApiKeyMissing
        elif scope not in request.auth.scopes:
            raise ScopeMissing(_("The API key lacks the scope %(scope)s.") % {"scope": scope})
        return True
