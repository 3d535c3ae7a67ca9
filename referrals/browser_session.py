"""The value that a browser keeps: which browser session it is, on which device.

It is signed, so that nobody can name another browser's session, and small: two random ids, whether
the session has stored anything (so that a request with nothing to adopt costs no query), and a mark
of the person for whom the device is recorded (likewise). It holds nothing about a person: the mark
is keyed with the server's secret.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from rest_framework.request import Request

COOKIE = "mimi_browser"
HEADER = "X-Browser-Session"
# Browsers keep no cookie for longer than 400 days (RFC 6265bis, section 5.5).
COOKIE_AGE_SECONDS = 400 * 24 * 60 * 60
MAX_LENGTH = 200
NOBODY = bytes(8)
_LENGTH = 16 + 16 + 1 + len(NOBODY)


@dataclass(frozen=True, slots=True)
class BrowserToken:
    """A browser session as its browser carries it."""

    session_id: UUID
    device_id: UUID
    holds_captures: bool = False
    recorded_for: bytes = NOBODY

    @classmethod
    def issue(cls, device_id: UUID | None = None) -> "BrowserToken":
        """Return a session that nobody has, on the given device or a new one."""
        return cls(session_id=uuid4(), device_id=device_id or uuid4())

    def renewed(self) -> "BrowserToken":
        """Return a fresh session on the same device, recorded for the same person."""
        return replace(self, session_id=uuid4(), holds_captures=False)

    def with_captures(self) -> "BrowserToken":
        return replace(self, holds_captures=True)

    def is_recorded_for(self, user_id: int) -> bool:
        return secrets.compare_digest(self.recorded_for, _mark(user_id))

    def as_recorded_for(self, user_id: int) -> "BrowserToken":
        return replace(self, recorded_for=_mark(user_id))

    def signed(self) -> str:
        """Return the value for the cookie or the header."""
        packed = (
            self.session_id.bytes
            + self.device_id.bytes
            + bytes([self.holds_captures])
            + self.recorded_for
        )
        return _signer().sign(base64.urlsafe_b64encode(packed).decode().rstrip("="))

    @classmethod
    def read(cls, value: str) -> "BrowserToken | None":
        """Return the token of a signed value, None if it is forged, damaged or empty."""
        if not value or len(value) > MAX_LENGTH:
            return None
        try:
            text = _signer().unsign(value)
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (BadSignature, binascii.Error, ValueError):
            return None
        if len(packed) != _LENGTH:
            return None
        return cls(
            session_id=UUID(bytes=packed[:16]),
            device_id=UUID(bytes=packed[16:32]),
            holds_captures=bool(packed[32]),
            recorded_for=packed[33:],
        )


def read_browser(request: HttpRequest) -> BrowserToken | None:
    """Return the browser session that a request carries; the header wins over the cookie."""
    header = request.headers.get(HEADER)
    return BrowserToken.read(request.COOKIES.get(COOKIE, "") if header is None else header)


def browser_of(request: Request) -> BrowserToken | None:
    """Return the browser session of a request, as the middleware has left it."""
    return getattr(request, "browser", None)


def write_browser(response: HttpResponse, token: BrowserToken) -> None:
    """Give the browser its session, by cookie and by header."""
    value = token.signed()
    response[HEADER] = value
    response.set_cookie(
        COOKIE,
        value,
        max_age=COOKIE_AGE_SECONDS,
        path="/",
        secure=not settings.DEBUG,
        httponly=True,
        samesite="Lax",
    )


def _signer() -> Signer:
    return Signer(salt="referrals.browser_session")


def _mark(user_id: int) -> bytes:
    return salted_hmac("referrals.device", str(user_id), algorithm="sha256").digest()[: len(NOBODY)]
