"""Who sends this request, as the middleware found out; other apps read it here."""

from dataclasses import dataclass

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person: the user, Clerk's session id, and who impersonates them, if anybody."""

    user: User
    session_id: str
    impersonator: str | None = None

    @property
    def caller(self) -> str:
        """Name the caller within idempotency keys."""
        return f"user:{self.user.pk}"

    @property
    def actor(self) -> str:
        """Name who acts, for the record: the person, and who impersonates them, if anybody."""
        person = f"user:{self.user.clerk_id}"
        return f"{person}, impersonated by {self.impersonator}" if self.impersonator else person


def identity_of(request: HttpRequest | Request) -> Identity | None:
    """Return the signed-in person of a request, None for a visitor (or a refused token)."""
    return getattr(request, "clerk_identity", None)


def visitor_of(request: Request) -> User | None:
    """Return the user who is signed in, None for a visitor."""
    identity = identity_of(request)
    return identity.user if identity else None


def signed_in(request: Request) -> Identity:
    """Return who sends a request that only signed-in people get to send."""
    identity = identity_of(request)
    assert identity is not None  # noqa: S101  (CallerPermission has seen to it)
    return identity


def service_of(request: Request) -> str:
    """Return the name of the API key of a request that only services get to send."""
    return str(getattr(request.auth, "name", ""))
