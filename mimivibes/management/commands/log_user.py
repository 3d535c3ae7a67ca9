from argparse import ArgumentParser
from typing import Any

from accounts.management.reporting import ReportingCommand
from mimivibes.logs.discretion import log_user


class Command(ReportingCommand):
    help = (
        "Say how the logs and the reports of errors name a person, so that their lines"
        " can be found. It asks no database: somebody who was erased is named as before."
    )
    example = "manage.py log_user user_2abc"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clerk_id", metavar="CLERK_ID")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        name = log_user(options["clerk_id"])
        if options["json"]:
            self.report({"user": name}, as_json=True)
        else:
            self.stdout.write(name)
