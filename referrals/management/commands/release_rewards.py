import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

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
        moved, failed = 0, set[UUID]()
        while released := release_due(now=timezone.now(), passing_over=failed):
            moved += released.moved
            failed |= released.failed
        self.report({"released": moved, "failed": len(failed)}, as_json=options["json"])
        if failed:
            sys.exit(1)
