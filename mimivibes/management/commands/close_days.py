from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from referrals.services.funnel import close_funnel_days
from rewards import services as rewards
from rewards.days import midnights_until

DAYS_SHOWN = 90
"""As many as the dashboard shows at most."""


class Command(ReportingCommand):
    help = (
        "Count the last 90 days that are over, and keep the figures for the dashboard, which"
        " otherwise does so when it is first looked at. Run it every day before the clean-ups, and"
        " with --again after data of past days came in from elsewhere."
    )
    example = "manage.py close_days --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="forget what is kept of them and count anew what is there now",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        now, again = timezone.now(), options["again"]
        midnights = midnights_until(now, days=DAYS_SHOWN)
        facts = {
            "funnel_days": close_funnel_days(midnights=midnights, now=now, again=again),
            "issued_days": rewards.close_issued_days(midnights=midnights, now=now, again=again),
        }
        self.report(facts, as_json=options["json"])
