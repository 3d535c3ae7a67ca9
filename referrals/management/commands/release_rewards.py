from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from referrals.services.attributions import release_due


class Command(ReportingCommand):
    help = (
        "Pay referrers whose hold is over, and decide attributions that were held until the age of"
        " the account was known. Safe to run in parallel."
    )
    example = "manage.py release_rewards --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        released = 0
        while moved := release_due(now=timezone.now()):
            released += moved
        self.report({"released": released}, as_json=options["json"])
