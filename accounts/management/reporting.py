"""What commands share: how they show help, read and write numbers, report, and end."""

import json
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

WRONG_USE = 2
STOPPED_EARLY = 75
"""Exit status of what came to the end of its time before that of its work: run it again."""


class ReportingCommand(BaseCommand):
    """A command whose `example` ends its help, and which reports in words or as one JSON object."""

    example = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name, subcommand, epilog=f"example:\n  {self.example}", **kwargs
        )
        parser.formatter_class = _keeping_line_breaks(parser.formatter_class)
        return parser

    def add_json_option(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def report(self, facts: dict[str, Any], *, as_json: bool) -> None:
        """Print the result: one JSON object, or a line for each fact."""
        if as_json:
            self.stdout.write(json.dumps(facts))
            return
        for fact, value in facts.items():
            self.stdout.write(f"{fact.replace('_', ' ')}: {value}")


def number_between(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of an option, and refuses any beyond these."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"it must be {least} to {most}")
        return int(text)

    return number


def size_in_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    return str(filesizeformat(size)).replace("\xa0", " ")


def _keeping_line_breaks(formatter: Any) -> Any:
    return type("Formatter", (formatter, RawDescriptionHelpFormatter), {})
