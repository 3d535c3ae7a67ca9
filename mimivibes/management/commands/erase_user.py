from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mimivibes.maintenance.command import RecordedCommand
from mimivibes.maintenance.jobs import Job
from mimivibes.models import CommandRun
from mimivibes.personal_data.erasure import NobodyKnown, erase_person

OUTCOMES = {
    "erased": "{clerk_id}: erased. A tombstone stays, which lets nobody in.",
    "gone": "{clerk_id} is gone already, since {since}. There is nothing left to do.",
    "kept_out": "{clerk_id} was never seen here. A tombstone stands, which lets nobody in.",
}
REHEARSED = {
    "erased": "{clerk_id} would be erased; a tombstone would stay, which lets nobody in.",
    "kept_out": "{clerk_id} was never seen here; a tombstone would be made, to let nobody in.",
}


class Command(RecordedCommand):
    help = (
        "Erase a person: name, e-mail address and image, what they opened and where from, their"
        " devices, what services said of them, what Clerk delivered about them. The ledger and"
        " the attributions stay, without a name. A token or webhook that comes later brings"
        " nothing back. Without --apply it is rehearsed, and told row by row. One person is one"
        " transaction, all or nothing, so --batch-size and --max-seconds change nothing here;"
        " killed, it has done nothing, and can be run again. See docs/personal-data.md, also for"
        " backups, which hold the person until they expire."
    )
    example = (
        "manage.py erase_user user_2abc\n  manage.py erase_user user_2abc --apply\n"
        "  manage.py erase_user user_2abc --never-seen --apply"
    )
    refusals = (NobodyKnown,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clerk_id", metavar="CLERK_ID", help="whom to erase")
        parser.add_argument(
            "--never-seen",
            action="store_true",
            help="leave a tombstone for somebody of whom nothing is known here",
        )
        super().add_arguments(parser)

    def survey(self, options: dict[str, Any], *, run: CommandRun, now: datetime) -> None:
        run.report |= self._erase(options, now, is_rehearsal=True)

    def work(self, options: dict[str, Any], *, job: Job) -> None:
        job.run.report |= self._erase(options, job.now, is_rehearsal=False)

    def _erase(
        self, options: dict[str, Any], now: datetime, *, is_rehearsal: bool
    ) -> dict[str, Any]:
        return erase_person(
            clerk_id=options["clerk_id"],
            never_seen=options["never_seen"],
            now=now,
            is_rehearsal=is_rehearsal,
        )

    def tell(self, run: CommandRun) -> Iterator[str]:
        said = {**OUTCOMES, **REHEARSED} if run.is_dry else OUTCOMES
        yield said[run.report["outcome"]].format_map(run.report)
        for name, rows in run.report.items():
            if isinstance(rows, int) and rows:
                yield f"  {name.replace('_', ' ')}: {rows:,}"
