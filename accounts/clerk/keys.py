"""The keys that session tokens are checked with: one from the settings, or Clerk's JWKS, cached.

The JWKS is fetched by one thread at a time and at most once per interval, however many unknown key
ids and bad signatures arrive: both are anybody's to send. What a fetch brings replaces what was
known only if it holds a key, so neither a forged token nor an outage takes a good key away.
"""

import json
import logging
import time
from functools import lru_cache
from threading import Lock
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

from accounts.clerk.issuer import jwks_url

logger = logging.getLogger(__name__)

FETCH_TIMEOUT = 3.0
FETCH_INTERVAL = 60.0
FIRST_FETCH_INTERVAL = 5.0
LIFETIME = 3600.0
SIZE_LIMIT = 256 * 1024

caches: dict[str, "RemoteKeys"] = {}


class KeysUnavailable(Exception):
    """The keys of the identity provider cannot be fetched just now."""

    wait = FIRST_FETCH_INTERVAL  # told to the caller, as Retry-After


def key_for(kid: str | None) -> RSAPublicKey | None:
    """Return the key that a token names, None if there is no such key.

    Raises `KeysUnavailable` while no key at all is known.
    """
    if settings.CLERK_JWT_KEY:
        return public_key(settings.CLERK_JWT_KEY)
    return remote_keys(jwks_url()).find(kid)


def newer_key_for(kid: str | None, refused_by: RSAPublicKey) -> RSAPublicKey | None:
    """Return the key that has replaced the one that refused a signature, None if none has."""
    if settings.CLERK_JWT_KEY:
        return None
    key = remote_keys(jwks_url()).find_again(kid)
    return None if key is None or key == refused_by else key


@lru_cache(maxsize=8)
def public_key(pem: str) -> RSAPublicKey:
    """Return the parsed key; raise `ValueError` unless it is an RSA public key in PEM."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("it is not an RSA key")
    return key


def remote_keys(url: str) -> "RemoteKeys":
    """Return this process's cache of one JWKS, the same one to every thread."""
    return caches.setdefault(url, RemoteKeys(url))


class RemoteKeys:
    """The keys of one JWKS address, by key id."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: dict[str, RSAPublicKey] = {}
        self._tried_at = float("-inf")
        self._flight = Lock()

    def find(self, kid: str | None) -> RSAPublicKey | None:
        """Return the key, after a fetch if it is unknown and the interval allows one."""
        if (key := self._known(kid)) is None:
            return self.find_again(kid)
        if self._age() > LIFETIME and self._flight.acquire(blocking=False):
            # A key withdrawn at Clerk must not serve for ever. Only this request waits for it.
            try:
                self._fetch_if_due(LIFETIME)
            finally:
                self._flight.release()
            return self._known(kid)
        return key

    def find_again(self, kid: str | None) -> RSAPublicKey | None:
        """Fetch if the interval allows, then return the key."""
        with self._flight:
            self._fetch_if_due(FETCH_INTERVAL if self._keys else FIRST_FETCH_INTERVAL)
        if not self._keys:
            raise KeysUnavailable
        return self._known(kid)

    def _known(self, kid: str | None) -> RSAPublicKey | None:
        keys = self._keys
        if kid is None:
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(kid)

    def _age(self) -> float:
        return time.monotonic() - self._tried_at

    def _fetch_if_due(self, interval: float) -> None:
        if self._age() < interval:
            return
        self._tried_at = time.monotonic()
        try:
            keys = _parsed(_downloaded(self.url))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            logger.warning("The JWKS cannot be fetched: %s", type(error).__name__)
            return
        if keys:
            self._keys = keys


def _downloaded(url: str) -> bytes:
    deadline = time.monotonic() + FETCH_TIMEOUT
    body = b""
    with httpx.stream("GET", url, timeout=FETCH_TIMEOUT) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > SIZE_LIMIT or time.monotonic() > deadline:
                raise ValueError("too large or too slow")
    return body


def _parsed(body: bytes) -> dict[str, RSAPublicKey]:
    document = json.loads(body)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS")
    return {entry["kid"]: key for entry in entries if (key := _usable(entry)) is not None}


def _usable(entry: Any) -> RSAPublicKey | None:
    """Return an entry's key if it is one for RS256 signatures with an id."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAPublicKey) else None
