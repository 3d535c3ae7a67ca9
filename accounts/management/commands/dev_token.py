import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.development import DevelopmentIssuerOff, NameUnusable, issue_token
from accounts.management.reporting import WRONG_USE, ReportingCommand


class Command(ReportingCommand):
    help = "Print a session token of the built-in development issuer (DEBUG only)."
    example = "manage.py dev_token Ploy --minutes 60 --claim email=ploy@example.com"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="a person's name; it makes their Clerk id")
        parser.add_argument("--minutes", type=_minutes, default=1, metavar="N", help="default: 1")
        parser.add_argument(
            "--claim",
            dest="claims",
            action="append",
            type=_claim,
            default=[],
            metavar="K=V",
            help="set a claim, as JSON or as text (null drops it); can be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = issue_token(
                name=options["name"],
                now=timezone.now(),
                minutes=options["minutes"],
                claims=dict(options["claims"]),
            )
        except (DevelopmentIssuerOff, NameUnusable) as error:
            raise CommandError(type(error).__doc__, returncode=WRONG_USE) from error
        self.stdout.write(token)


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= 525_600:
        raise ArgumentTypeError("it must be above 0 and at most a year")
    return minutes


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ArgumentTypeError("write it as name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
