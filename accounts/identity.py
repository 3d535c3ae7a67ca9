"""Who sends this request, as the middleware found out; other apps read it here."""

from dataclasses import dataclass

from django.http import HttpRequest

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


def identity_of(request: HttpRequest) -> Identity | None:
    """Return the signed-in person of a request, None for a visitor (or a refused token)."""
    return getattr(request, "clerk_identity", None)
