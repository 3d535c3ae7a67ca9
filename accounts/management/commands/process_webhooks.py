import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.services import process_due_webhooks


class Command(ReportingCommand):
    help = (
        "Work again the webhook deliveries that failed or were interrupted and whose time has"
        " come. Safe to run in parallel. Exit status 1 if any failed again."
    )
    example = "manage.py process_webhooks --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes: Counter[str] = Counter()
        while batch := process_due_webhooks(now=timezone.now()):
            outcomes += batch
        names = ("processed", "ignored", "duplicate", "failed")
        self.report({name: outcomes[name] for name in names}, as_json=options["json"])
        if outcomes["failed"]:
            sys.exit(1)
