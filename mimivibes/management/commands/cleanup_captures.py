from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from mimivibes.maintenance.chores import CAPTURE_DAYS, capture_chores
from mimivibes.maintenance.cleaning import Chore
from mimivibes.maintenance.command import CleaningCommand, add_days_option, days


class Command(CleaningCommand):
    help = (
        "Remove captures that expired and led to no attribution, browser sessions that hold"
        " nothing, hashes of network addresses after 7 days and refused claims after a year."
    )
    example = "manage.py cleanup_captures --days 90 --apply --max-seconds 300"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_days_option(
            parser,
            "--days",
            default=CAPTURE_DAYS,
            help_text="keep expired captures for so many days more, for staff to read",
        )

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        return capture_chores(captures=days(options, "days"))
