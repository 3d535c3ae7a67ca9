"""What odd values of the old system meant."""

from collections import Counter
from typing import Any

import pytest

from mimivibes.legacy.quirks import (
    amounts_moved,
    amounts_promised,
    email_of,
    is_tombstone,
    json_of,
    names_of,
    strictly_whole,
    whole,
)
from rewards.amounts import Amounts


@pytest.fixture
def noted() -> Counter[str]:
    return Counter()


@pytest.fixture
def note(noted: Counter[str]) -> Any:
    return lambda quirk, row: noted.update([quirk])


@pytest.mark.parametrize(
    ("text", "value", "quirks"),
    [
        (None, {}, []),
        ("null", {}, []),
        ('{"a": 1}', {"a": 1}, []),
        ('"{\\"a\\": 1}"', {"a": 1}, ["json_twice"]),
        ("[1]", {"unreadable": [1]}, ["json_unreadable"]),
        ('"not json"', {"unreadable": "not json"}, ["json_unreadable"]),
        ('{"a\\u0000": ["b\\ud800"]}', {"a": ["b"]}, ["json_cleaned"]),
    ],
)
def test_json(text: str, value: Any, quirks: list[str], note: Any, noted: Counter[str]) -> None:
    assert json_of(text, row="x", note=note) == value
    assert list(noted) == quirks


@pytest.mark.parametrize(
    ("value", "read", "quirks"),
    [
        (5, 5, []),
        ("5", 5, ["number_text"]),
        ("5.0", 5, ["number_text"]),
        (-2.5, -2, ["number_fraction"]),
        ("many", 0, ["number_unreadable"]),
        (True, 0, ["number_unreadable"]),
        (float("inf"), 0, ["number_unreadable"]),
        (None, 0, []),
    ],
)
def test_numbers(value: Any, read: int, quirks: list[str], note: Any, noted: Counter[str]) -> None:
    assert whole(value, row="x", note=note) == read
    assert list(noted) == quirks


def test_a_fraction_is_not_whole() -> None:
    assert [strictly_whole(value) for value in ("3.0", 3.5, "x", 10**30)] == [3, None, None, None]


@pytest.mark.parametrize(
    ("rewards", "amounts"),
    [
        ({"coin": 30}, Amounts(coins=30)),
        ({"coins": "50", "freePoint": 1.0}, Amounts(coins=50, free_points=1)),
        ({"coin": 30, "coins": 30}, Amounts(coins=30)),
        ({"coin": 30, "coins": 50}, None),
        ({"coins": -5}, None),
        ({"coins": 2.5}, None),
        ("30 coins", None),
        ({}, Amounts()),
    ],
)
def test_promises(rewards: Any, amounts: Amounts | None) -> None:
    assert amounts_promised(rewards) == amounts


@pytest.mark.parametrize(
    ("row", "details", "amounts"),
    [
        ({"event_type": "welcome_bonus", "delta_point": 5}, {}, Amounts(free_points=5)),
        (
            {"event_type": "welcome_bonus", "delta_point": 5},
            {"freePointAwarded": 3},
            Amounts(free_points=3),
        ),
        ({"event_type": "LEVEL_UP", "delta_point": 5}, {}, Amounts(stars=5)),
        ({"delta_point": -3}, {"starsUsed": 1, "freePointUsed": 2}, Amounts(-1, -2)),
        ({"delta_point": 0}, {"freePointUsed": -2}, Amounts(free_points=-2)),
        ({"delta_coins": 30, "delta_exp": 5}, {}, Amounts(coins=30, exp=5)),
    ],
)
def test_what_an_old_row_moved(row: Any, details: Any, amounts: Amounts, note: Any) -> None:
    whole_row = {"id": "x", "event_type": "X", "delta_point": 0, "delta_coins": 0, "delta_exp": 0}
    assert amounts_moved({**whole_row, **row}, details, note=note) == amounts


def test_names_and_addresses(note: Any, noted: Counter[str]) -> None:
    assert names_of("  Nok  Na Ayutthaya ", row="x", note=note) == ("Nok", "Na Ayutthaya")
    assert names_of("nok@example.com", row="x", note=note) == ("", "")
    assert names_of(None, row="x", note=note) == ("", "")
    assert email_of(" nok@example.com ", row="x", note=note) == "nok@example.com"
    assert email_of("nok", row="x", note=note) == ""
    assert dict(noted) == {"name_unusable": 1, "email_unusable": 1}
    assert is_tombstone(" [Deleted User]")
    assert not is_tombstone("Nok")


@pytest.mark.parametrize("depth", [150, 5_000])
def test_json_that_is_nested_without_end_stops_nothing(depth: int) -> None:
    text = '{"a":' * depth + "1" + "}" * depth
    noted: list[str] = []

    found = json_of(text, row="tx", note=lambda quirk, row: noted.append(quirk))

    assert found == {"unreadable": text}
    assert noted == ["json_unreadable"]
