"""Make of old values what they meant. Each oddity is counted under a name, with examples by id."""

import json
import re
from collections.abc import Callable
from typing import Any

from rewards.amounts import Amounts

Note = Callable[[str, str], None]
"""Told the name of a quirk and the id of the row that has it."""

QUIRKS = {
    "account_age_unknown": "no creation time: known once Clerk tells it",
    "email_unusable": "an e-mail address that is none, left out",
    "event_type_of_seed": "transactions of seed data: event types in lower case",
    "id_of_seed": "users whose id is not Clerk's: seed data, not brought over",
    "inviter_deleted": "codes of people whose inviter was deleted: by whom is not known any more",
    "json_cleaned": "JSON with characters that cannot be stored, left out",
    "json_twice": "JSON that was encoded twice",
    "json_unreadable": "JSON that is not an object, kept as it is",
    "legacy_admin": "administrators there: they are not staff here",
    "name_cut": "names longer than 255 characters, cut",
    "name_unusable": "names that are an e-mail address, left out",
    "invited_late": "invitations of accounts older than 7 days: they stand",
    "negative_balance": "users with a negative balance: it is not opened",
    "number_fraction": "fractions where whole numbers belong, cut",
    "number_text": "numbers written as text",
    "number_unreadable": "numbers that are none, read as zero",
    "own_code_missing": "people without a code of their own: given one",
    "own_codes_several": "people with several codes of their own: all work, the oldest is theirs",
    "payment_names_nobody": "payments to inviters that do not say for whom",
    "reading_deleted": "deleted readings: they happened, so they count",
    "spend_contradictory": "spendings whose details disagree with their amount: the details count",
    "spend_sign": "spendings written as positive numbers",
    "tel_left": "telephone numbers, left there",
    "throwaway_code": "codes made by an invitation: they work, for whom they were made",
    "time_unknown": "rows without a time: that of the import",
    "tombstone": "deleted users: brought over without data or balance",
    "welcome_constant": "welcome rows, whose stars are free points",
    "without_user": "rows of users who are not there",
}

FIELDS = {
    "stars": ("star", "stars"),
    "free_points": ("freePoint", "freePoints", "free_point", "free_points"),
    "coins": ("coin", "coins"),
    "exp": ("exp",),
}
LONGEST = 255
DEEPEST = 100
TOMBSTONE = "[deleted user]"
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.\d*)?")


def json_of(text: str | None, *, row: str, note: Note) -> Any:
    """Return what a JSON column holds, decoded as often as it was encoded; {} for nothing."""
    value: Any = text
    for times in range(3):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):  # anybody could post what they liked there
            break
        if times == 1:
            note("json_twice", row)
    if value is None:
        return {}
    is_too_deep = _is_deeper_than(DEEPEST, value)
    if is_too_deep or not isinstance(value, dict):
        note("json_unreadable", row)
        value = {"unreadable": text if is_too_deep else value}
    cleaned = _cleaned(value)
    if cleaned != value:
        note("json_cleaned", row)
    return cleaned


def _is_deeper_than(depth: int, value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_is_deeper_than(depth - 1, each) for each in inner)


def _cleaned(value: Any) -> Any:
    """Leave out what PostgreSQL does not store in JSON."""
    if isinstance(value, str):
        return _NOT_STORED.sub("", value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, float) and value - value != 0:  # NaN, or without end
        return str(value)
    return value


def whole(value: Any, *, row: str, note: Note) -> int:
    """Return a number as a whole one: text is read, fractions are cut, all else is zero."""
    read = strictly_whole(value)
    if read is None:
        fraction = _fraction(value)
        if fraction is None:
            if value is not None:
                note("number_unreadable", row)
            return 0
        note("number_fraction", row)
        read = int(fraction)
    if isinstance(value, str):
        note("number_text", row)
    return read


def strictly_whole(value: Any) -> int | None:
    """Return a number that is whole, however it is written; None if it is not."""
    fraction = _fraction(value)
    return int(fraction) if fraction is not None and fraction == int(fraction) else None


def _fraction(value: Any) -> float | int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**18 else None
    if isinstance(value, float):
        return value if abs(value) < 10**15 else None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        text = value.strip()
        return float(text) if "." in text else int(text)
    return None


def amounts_promised(rewards: Any) -> Amounts | None:
    """Return what a reward row promises; None if any of it is unreadable, negative or broken."""
    if not isinstance(rewards, dict) or "unreadable" in rewards:
        return None
    total = dict.fromkeys(FIELDS, 0)
    for currency, names in FIELDS.items():
        for name in names:
            if rewards.get(name) is None:
                continue
            amount = strictly_whole(rewards[name])
            if amount is None or amount < 0 or total[currency] not in {0, amount}:
                return None
            total[currency] = amount
    return Amounts(**total)


def amounts_moved(row: dict[str, Any], details: dict[str, Any], *, note: Note) -> Amounts:
    """Return what a row of the old ledger says that it moved.

    `deltaPoint` means free points in a welcome, where it is a constant, stars elsewhere; free
    points may be in the details alone. What was spent is negative, whatever sign it has there.
    """
    id_ = row["id"]

    def number(value: Any) -> int:
        return whole(value, row=id_, note=note)

    stars, free_points = number(row["delta_point"]), 0
    if row["event_type"] == "welcome_bonus":
        note("welcome_constant", id_)
        stars, free_points = 0, stars
    if details.get("freePointAwarded") is not None:
        free_points = number(details["freePointAwarded"])
    spent = {name: details[name] for name in ("starsUsed", "freePointUsed") if name in details}
    if spent:
        used = {name: number(value) for name, value in spent.items()}
        if any(amount > 0 for amount in used.values()):
            note("spend_sign", id_)
        from_stars, from_free = (-abs(used.get(name, 0)) for name in ("starsUsed", "freePointUsed"))
        if stars not in {0, from_stars, from_stars + from_free}:
            note("spend_contradictory", id_)
        stars, free_points = from_stars, free_points + from_free
    return Amounts(
        stars=stars,
        free_points=free_points,
        coins=number(row["delta_coins"]),
        exp=number(row["delta_exp"]),
    )


def names_of(name: str | None, *, row: str, note: Note) -> tuple[str, str]:
    """Return first and last name; an e-mail address is not one."""
    words = (name or "").split()
    if any("@" in word for word in words):
        note("name_unusable", row)
        return "", ""
    first, last = " ".join(words[:1]), " ".join(words[1:])
    if max(len(first), len(last)) > LONGEST:
        note("name_cut", row)
    return first[:LONGEST], last[:LONGEST]


def email_of(email: str | None, *, row: str, note: Note) -> str:
    email = (email or "").strip()
    if email and (len(email) > 320 or not _EMAIL.fullmatch(email)):
        note("email_unusable", row)
        return ""
    return email


def is_tombstone(name: str | None) -> bool:
    return (name or "").strip().lower() == TOMBSTONE
