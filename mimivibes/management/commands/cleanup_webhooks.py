from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from mimivibes.maintenance.chores import PAYLOAD_DAYS, RECEIPT_DAYS, webhook_chores
from mimivibes.maintenance.cleaning import Chore
from mimivibes.maintenance.command import CleaningCommand, add_days_option, days


class Command(CleaningCommand):
    help = (
        "Clear the content of finished webhook deliveries, and later remove their receipts. Remove"
        " messages of the outbox sent 30 days ago, or given up 90 days ago. A delivery that has not"
        " been worked, and a message that waits, is never touched."
    )
    example = "manage.py cleanup_webhooks --days 30 --receipt-days 90 --apply"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_days_option(
            parser, "--days", default=PAYLOAD_DAYS, help_text="keep contents for so many days"
        )
        add_days_option(
            parser,
            "--receipt-days",
            default=RECEIPT_DAYS,
            help_text="keep receipts for so many days",
        )

    def chores(self, options: dict[str, Any]) -> Sequence[Chore]:
        return webhook_chores(
            payloads=days(options, "days"), receipts=days(options, "receipt_days")
        )
