import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import WRONG_USE, ReportingCommand
from accounts.models import Scope
from accounts.services import KeyNameUnusable, create_api_key


class Command(ReportingCommand):
    help = "Make a key for another back end. It is shown once, and stored hashed."
    example = "manage.py create_api_key readings --scope events --scope rewards:spend"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="which back end it is for")
        parser.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            required=True,
            choices=Scope.values,
            help="what it may do; can be given several times",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row, key = create_api_key(
                name=options["name"], scopes=options["scopes"], now=timezone.now()
            )
        except KeyNameUnusable as error:
            raise CommandError(KeyNameUnusable.__doc__, returncode=WRONG_USE) from error
        if options["json"]:
            self.stdout.write(json.dumps({"name": row.name, "key": key, "scopes": row.scopes}))
            return
        self.stdout.write(f"The key of {row.name} for {', '.join(row.scopes)}, shown only now:")
        self.stdout.write(key)
