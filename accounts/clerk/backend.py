"""Clerk's Backend API, the little of it that we need (https://clerk.com/docs/reference/backend-api).

For commands only: no request of ours waits for Clerk.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any

import httpx
from django.conf import settings

logger = logging.getLogger(__name__)

PAGE_LIMIT = 500
IDS_LIMIT = 100
TIMEOUT = 10.0
ATTEMPTS = 6
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


class ClerkApiFailed(Exception):
    """Clerk's Backend API did not answer as it should."""


class SecretKeyMissing(Exception):
    """CLERK_SECRET_KEY is not set."""


def users_from(*, offset: int, limit: int = PAGE_LIMIT) -> list[Any]:
    """Return a page of Clerk's user objects, the oldest account first; empty past the end.

    In this order nobody who signs up meanwhile moves a page. Raises `ClerkApiFailed`.
    """
    return _users([("order_by", "+created_at"), ("limit", limit), ("offset", offset)])


def users_by_id(clerk_ids: Iterable[str]) -> list[Any]:
    """Return the user objects of at most a hundred ids, those that Clerk still has."""
    ids = [("user_id", clerk_id) for clerk_id in clerk_ids]
    return _users([*ids, ("order_by", "+created_at"), ("limit", IDS_LIMIT), ("offset", 0)])


def _users(params: list[tuple[str, str | int]]) -> list[Any]:
    if not settings.CLERK_SECRET_KEY:
        raise SecretKeyMissing
    response = _get(f"{settings.CLERK_API_URL}/users", params)
    try:
        users = response.json()
    except ValueError as error:
        raise ClerkApiFailed("Clerk answered something that is not JSON.") from error
    if not isinstance(users, list):
        raise ClerkApiFailed("Clerk answered something that is not a list of users.")
    return users


def _get(url: str, params: list[tuple[str, str | int]]) -> httpx.Response:
    """Ask, and ask again while it may help: after timeouts, 429 and 5xx, a few times."""
    headers = {"Authorization": f"Bearer {settings.CLERK_SECRET_KEY}"}
    for attempt in range(ATTEMPTS):
        response, fault = _try(url, params, headers)
        if response is not None and response.status_code == httpx.codes.OK:
            return response
        if response is not None and not _is_passing(response.status_code):
            raise ClerkApiFailed(f"Clerk refused: {fault}.")
        if attempt < ATTEMPTS - 1:
            wait = _wait(response, attempt)
            logger.warning("Clerk: %s; trying again in %.0f s", fault, wait)
            sleep(wait)
    raise ClerkApiFailed(f"Clerk failed {ATTEMPTS} times, last: {fault}.")


def _try(
    url: str, params: list[tuple[str, str | int]], headers: dict[str, str]
) -> tuple[httpx.Response | None, str]:
    try:
        response = httpx.get(url, params=params, headers=headers, timeout=TIMEOUT)  # type: ignore[arg-type]
    except httpx.TransportError as error:
        return None, type(error).__name__
    return response, f"HTTP {response.status_code}"


def _is_passing(status: int) -> bool:
    return status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR


def _wait(response: httpx.Response | None, attempt: int) -> float:
    """Return the seconds to wait: what Clerk asks for, else twice as long each time."""
    asked = None if response is None else _retry_after(response.headers.get("Retry-After", ""))
    return min(asked if asked is not None else FIRST_WAIT * (1 << attempt), LONGEST_WAIT)


def _retry_after(value: str) -> float | None:
    """Read seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
