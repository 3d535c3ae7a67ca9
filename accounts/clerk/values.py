"""Read single values of Clerk's JSON; what cannot be used or stored becomes empty, never an error.

PostgreSQL text holds neither NUL characters nor lone surrogates, both of which JSON can carry.
"""

import math
from datetime import UTC, datetime

IDENTIFIER_LENGTH = 255
NAME_LENGTH = 255
EMAIL_LENGTH = 320  # RFC 3696: 64 + 1 + 255
URL_LENGTH = 2048
LATEST_TIME = 253_402_300_799  # the end of the year 9999, where Python's datetime ends
MILLISECONDS_FROM = 100_000_000_000  # as seconds the year 5138, as milliseconds 1973


def identifier(value: object) -> str | None:
    """Return an id as it is, or None: an id that needs cleaning names nobody."""
    if not isinstance(value, str) or not value.strip() or len(value) > IDENTIFIER_LENGTH:
        return None
    return value if value == storable(value) else None


def name(value: object) -> str:
    return storable(value).strip()[:NAME_LENGTH].strip() if isinstance(value, str) else ""


def email(value: object) -> str:
    """Return an e-mail address, empty unless it could be one."""
    address = storable(value).strip() if isinstance(value, str) else ""
    local, _, domain = address.rpartition("@")
    plausible = (
        local and domain and len(address) <= EMAIL_LENGTH and not any(map(str.isspace, address))
    )
    return address if plausible else ""


def url(value: object) -> str:
    """Return a web address, empty if it is too long or its scheme could run code."""
    address = storable(value).strip() if isinstance(value, str) else ""
    safe = address.lower().startswith(("https://", "http://")) and len(address) <= URL_LENGTH
    return address if safe else ""


def seconds(value: object) -> float | None:
    """Return a Unix time in seconds; None if it is no number (a bool is none), or out of range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # NaN fails the comparison too; a huge integer passes it unconverted.
    return float(value) if 0 < value <= LATEST_TIME else None


def time_in_milliseconds(value: object) -> datetime | None:
    """Return the time that Clerk's user object writes as Unix milliseconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 < value <= LATEST_TIME * 1000:
        return None
    whole, rest = divmod(math.floor(value), 1000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000)


def time_in_either_unit(value: object) -> datetime | None:
    """Return the time of a custom claim, which may be Unix seconds or milliseconds."""
    if isinstance(value, (int, float)) and value >= MILLISECONDS_FROM:
        return time_in_milliseconds(value)
    at = seconds(value)
    return None if at is None else datetime.fromtimestamp(at, UTC)


def storable(text: str) -> str:
    """Return `text` without what PostgreSQL cannot store."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
