"""Session tokens: from the text that a browser sends to claims that can be relied on.

Claims and headers are Clerk's (https://clerk.com/docs/backend-requests/resources/session-tokens).
One key signs session, template, machine and OAuth tokens alike, so a good signature alone does not
make a session token.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _
from jwt import InvalidSignatureError, PyJWS, PyJWTError

from accounts.clerk import values
from accounts.clerk.issuer import issuer
from accounts.clerk.keys import key_for, newer_key_for

LENGTH_LIMIT = 8192
LEEWAY = 5
SESSION_CATEGORY = "cl_B7d4PD111AAA"
UNINFORMATIVE_CATEGORY = "cl_I7d4PD111III"

_jws = PyJWS(algorithms=["RS256"])


class TokenInvalid(Exception):
    """The session token is not valid."""


class TokenExpired(Exception):
    """The session token has expired."""


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """What custom claims say of a person; empty where they say nothing that can be used."""

    email: str = ""
    email_verified: bool = False
    first_name: str = ""
    last_name: str = ""
    image_url: str = ""
    account_created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """A verified session token."""

    clerk_id: str
    session_id: str
    authorized_party: str | None
    impersonator: str | None
    profile: TokenProfile


def verify_session_token(token: str, *, now: datetime) -> SessionClaims:
    """Return the claims of a Clerk session token.

    Raises `TokenExpired` if its age is all that is wrong with it, `TokenInvalid` for anything else,
    `KeysUnavailable` if there is no key yet to judge it by.
    """
    header, claims = _verified(token)
    _require_session_token(header, claims)
    clerk_id, session_id = (values.identifier(claims.get(claim)) for claim in ("sub", "sid"))
    if clerk_id is None or session_id is None or clerk_id.startswith("mch_"):
        raise TokenInvalid(_("The token is not one of a person's session."))
    authorized_party = _authorized_party(claims)
    impersonator = _impersonator(claims)
    _require_current(claims, now)
    return SessionClaims(
        clerk_id=clerk_id,
        session_id=session_id,
        authorized_party=authorized_party,
        impersonator=impersonator,
        profile=_profile(claims, now),
    )


def _verified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > LENGTH_LIMIT or not token.isascii():
        raise TokenInvalid(_("The token is too long, or holds foreign characters."))
    try:
        signed = _signature_checked(token)
        claims = json.loads(signed["payload"], parse_constant=_refuse_constant)
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TokenInvalid(_("The token is malformed, or its signature is not Clerk's.")) from error
    if not isinstance(claims, dict):
        raise TokenInvalid(_("The token's claims are not an object."))
    return signed["header"], claims


def _signature_checked(token: str) -> dict[str, Any]:
    # A key from the settings serves every token; only Clerk's JWKS asks which one is named.
    kid = None if settings.CLERK_JWT_KEY else _jws.get_unverified_header(token).get("kid")
    if (key := key_for(kid)) is None:
        raise TokenInvalid(_("The token is signed by an unknown key."))
    try:
        return _jws.decode_complete(token, key, algorithms=["RS256"])
    except InvalidSignatureError:
        if (newer := newer_key_for(kid, key)) is None:
            raise
        return _jws.decode_complete(token, newer, algorithms=["RS256"])


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _require_session_token(header: dict[str, Any], claims: dict[str, Any]) -> None:
    if not issuer() or claims.get("iss") != issuer():
        raise TokenInvalid(_("The token comes from another issuer."))
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise TokenInvalid(_("The token is not a session token."))
    if header.get("cat", SESSION_CATEGORY) not in (SESSION_CATEGORY, UNINFORMATIVE_CATEGORY):
        raise TokenInvalid(_("The token is not a session token."))
    if claims.get("sts", "active") != "active":
        raise TokenInvalid(_("The session is not active yet."))


def _authorized_party(claims: dict[str, Any]) -> str | None:
    if "azp" not in claims:
        if settings.CLERK_REQUIRE_AZP:
            raise TokenInvalid(_("The token does not name the web app that it is for."))
        return None
    party = claims["azp"]
    if party not in settings.CLERK_AUTHORIZED_PARTIES:
        raise TokenInvalid(
            _("The token is for a web app that CLERK_AUTHORIZED_PARTIES does not list.")
        )
    return str(party)


def _impersonator(claims: dict[str, Any]) -> str | None:
    if (actor := claims.get("act")) is None:
        return None
    impersonator = values.identifier(actor.get("sub")) if isinstance(actor, dict) else None
    if impersonator is None:
        raise TokenInvalid(_("The token says that somebody acts for this person, but not who."))
    return impersonator


def _require_current(claims: dict[str, Any], now: datetime) -> None:
    expires, not_before, issued = (
        values.seconds(claims.get(name)) for name in ("exp", "nbf", "iat")
    )
    if expires is None or not_before is None or issued is None:
        raise TokenInvalid(_("The token lacks a time, or one is not a time."))
    clock = now.timestamp()
    if max(not_before, issued) > clock + LEEWAY:
        raise TokenInvalid(_("The token is not valid yet."))
    if expires <= clock - LEEWAY:
        raise TokenExpired


def _profile(claims: dict[str, Any], now: datetime) -> TokenProfile:
    email = values.email(claims.get("email"))
    created_at = values.time_in_either_unit(claims.get("account_created_at"))
    if created_at and created_at > now + timedelta(minutes=5):
        created_at = None  # an account from the future would stay "new" for as long as it liked
    return TokenProfile(
        email=email,
        email_verified=bool(email) and claims.get("email_verified") is True,
        first_name=values.name(claims.get("first_name")),
        last_name=values.name(claims.get("last_name")),
        image_url=values.url(claims.get("image_url")),
        account_created_at=created_at,
    )
