"""What the pages name is there: other pages and their headings, files, commands and options."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.server import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")
COMMAND = re.compile(
    r"(?:manage\.py|run --rm \w+|^manage) ([a-z_]+)((?: [^`|;)#\n]*)?)", re.MULTILINE
)
INLINE = re.compile(r"`([a-z]+_[a-z_]+)((?: [^`]*)?)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def anchors(page: Path) -> set[str]:
    """Return how the headings of a page are linked to, by GitHub's rule."""
    headings = HEADING.findall(CODE.sub("", page.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def options_of(command: str) -> set[str]:
    parser = load_command_class(get_commands()[command], command).create_parser("", command)
    return set(_options(parser))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from parser._option_string_actions
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for step in action.choices.values():
                yield from _options(step)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_leads_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text()):
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_command_is_there_and_takes_what_it_is_given(page: Path) -> None:
    text, known = page.read_text(), set(get_commands())
    named = COMMAND.findall(text)
    assert {command for command, _ in named} <= known

    for command, rest in (*named, *(found for found in INLINE.findall(text) if found[0] in known)):
        assert set(OPTION.findall(rest)) <= options_of(command), f"{command}{rest}"
