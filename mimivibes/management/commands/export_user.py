import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from mimivibes.personal_data.export import PersonExport

FOR_THE_OWNER_ALONE = 0o600


class Command(ReportingCommand):
    help = (
        "Write all that is held about one person as JSON, for whoever asks for their data"
        " (docs/personal-data.md says what each part is). Of others it says what the API says of"
        " them; what staff wrote is left out. Without --output it is printed. The file can be read"
        " by you alone, and one that stands already is left as it is."
    )
    example = "manage.py export_user user_2abc --output user_2abc.json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clerk_id", metavar="CLERK_ID", help="whose data to write")
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to, a new file")
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object: the report on FILE; without FILE it is the data itself",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(clerk_id=options["clerk_id"]).first()
        if user is None:
            raise CommandError(f"Nobody has the Clerk id {options['clerk_id']}.")
        export = PersonExport(user, now=timezone.now())
        if options["output"] is None:
            for chunk in export.chunks():
                self.stdout.write(chunk, ending="")
            return
        try:
            _write(export, options["output"])
        except OSError as error:
            raise CommandError(
                f"Cannot write {options['output']}: {error.strerror}. Name a new file, where there"
                " is room."
            ) from error
        facts = {"clerk_id": user.clerk_id, "file": str(options["output"]), **export.rows}
        self.report(facts, as_json=options["json"])


def _write(export: PersonExport, path: Path) -> None:
    """Write a new file for the owner alone; one that was not finished is taken away again."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_THE_OWNER_ALONE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(export.chunks())
    except BaseException:
        path.unlink()
        raise
