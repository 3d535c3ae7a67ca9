import sys
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from referrals.services.releases import release_due


class Command(ReportingCommand):
    help = (
        "Pay referrers whose hold is over, and decide attributions that were held until the age of"
        " the account was known. Safe to run in parallel. One that fails is named in the log and"
        " tried again by the next run; the others go on. Exit status 1 if any failed."
    )
    example = "manage.py release_rewards --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        released = release_due(now=timezone.now())
        facts = {"released": released.moved, "failed": len(released.failed)}
        self.report(facts, as_json=options["json"])
        if released.failed:
            sys.exit(1)
