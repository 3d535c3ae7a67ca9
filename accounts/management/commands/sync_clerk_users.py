import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.clerk.backend import PAGE_LIMIT, ClerkApiFailed, SecretKeyMissing
from accounts.management.reporting import WRONG_USE, ReportingCommand, number_between
from accounts.services import SyncReport, sync_all_users, sync_missing_users


class Command(ReportingCommand):
    help = (
        "Bring in profiles and account creation times from Clerk's Backend API: of our users whose"
        " profile has not come yet (--missing, the default), or of all of Clerk's users (--all),"
        " the unknown ones included. Broken off, it goes on where it was when run again."
        " Exit status 1 if Clerk failed, or a user could not be brought in."
    )
    example = "manage.py sync_clerk_users --all --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--missing", action="store_true", help="users without profile (default)")
        which.add_argument("--all", action="store_true", help="every user that Clerk has")
        parser.add_argument(
            "--page-size",
            type=number_between(1, PAGE_LIMIT),
            default=PAGE_LIMIT,
            metavar="N",
            help=f"users for each request with --all, at most {PAGE_LIMIT} (default)",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        report, error = SyncReport(), ""
        pages = (
            sync_all_users(clock=timezone.now, page_size=options["page_size"])
            if options["all"]
            else sync_missing_users(clock=timezone.now)
        )
        try:
            for report in pages:
                if not options["json"]:
                    self.stderr.write(f"{report.seen} users seen ...")
        except SecretKeyMissing as missing:
            raise CommandError(SecretKeyMissing.__doc__, returncode=WRONG_USE) from missing
        except ClerkApiFailed as failure:
            error = str(failure)
        self.report({**asdict(report), "error": error or None}, as_json=options["json"])
        if error or report.failed:
            sys.exit(1)
