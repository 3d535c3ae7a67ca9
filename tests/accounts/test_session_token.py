"""What is a session token, and what only looks like one."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import jwt
import pytest
from django.utils import timezone

from accounts.clerk.tokens import TokenInvalid, verify_session_token
from accounts.models import User
from mimivibes.development import _new_private_key, public_key
from tests.accounts.requests import assert_problem, call
from tests.clerk import session_token
from tests.settings import ISSUER, ISSUER_PRIVATE_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_alone")]

STRANGER_KEY = _new_private_key()


def signed_as_it_is(payload: str, header: dict[str, Any] | None = None) -> str:
    """Sign a payload that need not be JSON."""
    encoded = jwt.PyJWS().encode(
        payload.encode(),
        ISSUER_PRIVATE_KEY,
        algorithm="RS256",
        headers={"kid": "k", **(header or {})},
    )
    return str(encoded)


def claims_with(name: str, literal: str) -> str:
    """Return a signed token with one claim written exactly so."""
    claims = jwt.decode(session_token("user_ploy"), options={"verify_signature": False})
    return signed_as_it_is(json.dumps({**claims, name: "@@"}).replace('"@@"', literal))


def unsigned(header: dict[str, Any]) -> str:
    parts = [header, jwt.decode(session_token("user_ploy"), options={"verify_signature": False})]
    encoded = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts
    ]
    return ".".join([*encoded, ""])


def confused() -> str:
    """Sign by HMAC with the public key for a secret, the classic confusion."""
    header, payload, _ = unsigned({"alg": "HS256", "typ": "JWT"}).split(".")
    secret = public_key(ISSUER_PRIVATE_KEY).encode()
    digest = hmac.new(secret, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    return f"{header}.{payload}." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


NOT_TOKENS = {
    "empty": "",
    "a word": "hello",
    "dots": "..",
    "many dots": "a.b.c.d.e",
    "two parts": "e30.e30",
    "not base64": "!!!.???.***",
    "header not JSON": "aGk.e30.AAAA",
    "header a list": "W10.e30.AAAA",
    "deeply nested": base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.AAAA",
    "foreign characters": "é.é.é",
    "too long": "a" * 8193,
    "NUL": "a\x00b.c.d",
}
WRONG: dict[str, Callable[[], str]] = {
    "signed by a stranger": lambda: session_token("user_ploy", key=STRANGER_KEY),
    "alg none": lambda: unsigned({"alg": "none", "typ": "JWT"}),
    "alg HS256 with the public key": lambda: confused(),
    "alg a list": lambda: unsigned({"alg": ["RS256"], "typ": "JWT"}),
    "crit": lambda: session_token("user_ploy", headers={"crit": ["x"], "x": 1}),
    "another issuer": lambda: session_token("user_ploy", iss="https://clerk.evil.invalid"),
    "issuer with slash": lambda: session_token("user_ploy", iss=f"{ISSUER}/"),
    "no issuer": lambda: session_token("user_ploy", without=("iss",)),
    "template category": lambda: session_token("user_ploy", headers={"cat": "cl_B7d4PD222AAA"}),
    "machine category": lambda: session_token("user_ploy", headers={"cat": "cl_B7d4PD333AAA"}),
    "unheard-of category": lambda: session_token("user_ploy", headers={"cat": "cl_new"}),
    "category a number": lambda: session_token("user_ploy", headers={"cat": 1}),
    "category null": lambda: session_token("user_ploy", headers={"cat": None}),
    "category a list": lambda: session_token("user_ploy", headers={"cat": []}),
    "uninformative without sid": lambda: session_token(
        "user_ploy", headers={"cat": "cl_I7d4PD111III"}, without=("sid",)
    ),
    "OAuth": lambda: session_token("user_ploy", headers={"typ": "at+jwt"}),
    "OAuth in capitals": lambda: session_token("user_ploy", headers={"typ": "AT+JWT"}),
    "OAuth by its full name": lambda: session_token(
        "user_ploy", headers={"typ": "application/at+jwt"}
    ),
    "machine": lambda: session_token("mch_2abc"),
    "pending": lambda: session_token("user_ploy", sts="pending"),
    "no sid": lambda: session_token("user_ploy", without=("sid",)),
    "empty sid": lambda: session_token("user_ploy", sid=""),
    "sid a number": lambda: session_token("user_ploy", sid=7),
    "no sub": lambda: session_token("user_ploy", without=("sub",)),
    "empty sub": lambda: session_token(""),
    "blank sub": lambda: session_token("  "),
    "sub null": lambda: claims_with("sub", "null"),
    "sub a list": lambda: claims_with("sub", '["user_ploy"]'),
    "sub too long": lambda: session_token("u" * 256),
    "NUL in sub": lambda: session_token("user_\x00ploy"),
    "surrogate in sub": lambda: claims_with("sub", '"user_\\ud800"'),
    "NUL in sid": lambda: session_token("user_ploy", sid="sess\x00"),
    "another web app": lambda: session_token("user_ploy", azp="https://evil.example.com"),
    "azp empty": lambda: session_token("user_ploy", azp=""),
    "azp null": lambda: claims_with("azp", "null"),
    "azp a list": lambda: claims_with("azp", '["https://app.example.com"]'),
    "act without sub": lambda: session_token("user_ploy", act={}),
    "act a word": lambda: session_token("user_ploy", act="me"),
    "not valid yet": lambda: session_token("user_ploy", nbf=int(time.time()) + 600),
    "issued in the future": lambda: session_token("user_ploy", iat=int(time.time()) + 600),
    "payload not JSON": lambda: signed_as_it_is("hello"),
    "payload a list": lambda: signed_as_it_is("[]"),
    "payload nested deeply": lambda: signed_as_it_is("[" * 3000),
    "payload not UTF-8": lambda: str(
        jwt.PyJWS().encode(b"\xff\xfe", ISSUER_PRIVATE_KEY, algorithm="RS256")
    ),
    "int of many digits": lambda: claims_with("exp", "9" * 5000),
    **{
        f"{name} {label}": partial(claims_with, name, literal)
        for name in ("exp", "nbf", "iat")
        for label, literal in {
            "true": "true",
            "null": "null",
            "text": '"9999999999"',
            "NaN": "NaN",
            "infinite": "Infinity",
            "infinite by size": "1e999",
            "huge": "9" * 400,
            "negative": "-1",
            "a list": "[]",
        }.items()
    },
    **{
        f"no {name}": partial(session_token, "user_ploy", without=(name,))
        for name in ("exp", "nbf", "iat")
    },
}


@pytest.mark.parametrize("made", [*NOT_TOKENS.values(), *WRONG.values()], ids=[*NOT_TOKENS, *WRONG])
def test_what_is_no_session_token_is_refused_everywhere_and_stores_nothing(
    made: str | Callable[[], str],
) -> None:
    response = call("public", token=made if isinstance(made, str) else made())

    assert_problem(response, 401, "token_invalid")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert not User.objects.exists()


def test_an_expired_token_is_told_apart() -> None:
    token = session_token("user_ploy", issued_at=time.time() - 120)

    assert_problem(call("public", token=token), 401, "token_expired")


def test_an_expired_token_of_another_issuer_is_only_invalid() -> None:
    token = session_token("user_ploy", issued_at=time.time() - 120, iss="https://evil.invalid")

    assert_problem(call("public", token=token), 401, "token_invalid")


@pytest.mark.parametrize(
    ("late", "accepted"), [(60, True), (64.9, True), (65.1, False), (-14.9, True), (-15.1, False)]
)
def test_clocks_may_differ_by_five_seconds(late: float, accepted: bool) -> None:
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    at = issued.timestamp()
    token = session_token("user_ploy", issued_at=at, nbf=at - 10, iat=at - 10)

    def verified() -> bool:
        try:
            verify_session_token(token, now=issued + timedelta(seconds=late))
        except Exception:
            return False
        return True

    assert verified() is accepted


@pytest.mark.parametrize(
    "made",
    [
        lambda: session_token("user_ploy"),
        lambda: session_token("user_ploy", headers={"cat": "cl_I7d4PD111III"}),
        lambda: session_token("user_ploy", without=("azp", "sts", "v", "jti", "fva")),
        lambda: jwt.encode(
            jwt.decode(session_token("user_ploy"), options={"verify_signature": False}),
            ISSUER_PRIVATE_KEY,
            algorithm="RS256",
        ),
    ],
    ids=["version 2", "uninformative category", "without optional claims", "no kid, no category"],
)
def test_a_session_token_is_accepted(made: Callable[[], str]) -> None:
    assert call("person", token=made()).json()["clerk_id"] == "user_ploy"


def test_the_scheme_is_read_whatever_its_case() -> None:
    headers = {"Authorization": f"bEARER   {session_token('user_ploy')}"}

    assert call("person", headers=headers).status_code == 200


def test_another_scheme_is_no_session_token() -> None:
    assert_problem(call("person", headers={"Authorization": "Basic YTpi"}), 401, "token_missing")


def test_a_token_without_azp_is_refused_if_one_is_required(settings: Any) -> None:
    settings.CLERK_REQUIRE_AZP = True

    assert_problem(call("person", token=session_token("u", without=("azp",))), 401, "token_invalid")
    assert call("person", token=session_token("u")).status_code == 200


def test_no_party_is_authorized_unless_listed(settings: Any) -> None:
    settings.CLERK_AUTHORIZED_PARTIES = []

    assert_problem(call("person", token=session_token("user_ploy")), 401, "token_invalid")


def test_the_impersonator_is_known() -> None:
    token = session_token("user_ploy", act={"sub": "user_aree", "sid": "sess_aree"})

    assert call("person", token=token).json()["impersonator"] == "user_aree"


def test_the_issuer_is_read_from_the_publishable_key(settings: Any) -> None:
    host = base64.b64encode(b"clerk.shop.example$").decode().rstrip("=")
    settings.CLERK_ISSUER, settings.CLERK_PUBLISHABLE_KEY = "", f"pk_live_{host}"

    token = session_token("user_ploy", iss="https://clerk.shop.example")

    assert verify_session_token(token, now=timezone.now()).clerk_id == "user_ploy"


def test_without_an_issuer_no_token_passes(settings: Any) -> None:
    settings.CLERK_ISSUER = settings.CLERK_PUBLISHABLE_KEY = ""

    with pytest.raises(TokenInvalid):
        verify_session_token(session_token("user_ploy", iss=""), now=timezone.now())
