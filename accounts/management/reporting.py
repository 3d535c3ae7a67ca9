"""What the commands of this app share: how they show help, and how they report."""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

WRONG_USE = 2


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


def _keeping_line_breaks(formatter: Any) -> Any:
    return type("Formatter", (formatter, RawDescriptionHelpFormatter), {})
