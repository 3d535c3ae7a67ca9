from collections.abc import Sequence
from typing import Any

from mimivibes.maintenance.chores import SESSIONS
from mimivibes.maintenance.cleaning import Chore
from mimivibes.maintenance.command import CleaningCommand


class Command(CleaningCommand):
    help = (
        "Remove expired sessions of the admin, answers kept for repeated requests after 30 days"
        " (their keys stay on the ledger), records of finished runs after 90 days, counts of"
        " attempts to sign in after a day, and salts of past days."
    )
    example = "manage.py cleanup_sessions --apply"

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        return SESSIONS
