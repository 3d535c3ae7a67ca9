from collections.abc import Sequence
from typing import Any

from mimivibes.maintenance.chores import CAPTURES
from mimivibes.maintenance.cleaning import Chore
from mimivibes.maintenance.command import CleaningCommand


class Command(CleaningCommand):
    help = (
        "Remove captures that expired and led to no attribution, browser sessions that hold"
        " nothing, hashes of network addresses after 7 days and refused claims after a year."
    )
    example = "manage.py cleanup_captures --apply --max-seconds 300"

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        return CAPTURES
