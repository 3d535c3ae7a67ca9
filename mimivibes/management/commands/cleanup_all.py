from collections.abc import Sequence
from typing import Any

from mimivibes.maintenance.chores import EVERYTHING
from mimivibes.maintenance.cleaning import Chore
from mimivibes.maintenance.command import CleaningCommand


class Command(CleaningCommand):
    help = "Do every clean-up in order, with the default ages, and report all of it."
    example = "manage.py cleanup_all --apply --max-seconds 600 --json"

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        return EVERYTHING
