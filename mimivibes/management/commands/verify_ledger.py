import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from mimivibes.maintenance.terminal import progress_on_terminal
from referrals.services.proof import verify_attributions
from rewards.services import record_proof, verify_ledger


class Command(ReportingCommand):
    help = (
        "Prove the ledger: every transaction sums to zero, every balance is the sum of its"
        " entries, every attribution has exactly its rewards, every reversal its original. Names"
        " each fault; exit status 1 if there is any. A proof of everything is put on record."
    )
    example = "manage.py verify_ledger --user user_2abc"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="ID", help="prove one person's part, by Clerk id")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user_id = _user_id(options["user"])
        started_at, began = timezone.now(), time.monotonic()
        with progress_on_terminal(as_json=options["json"]) as progress:
            faults = verify_ledger(
                user_id=user_id, progress=partial(progress, "ledger", unit="checks")
            )
            progress("attributions", 0, total=1, unit="check")
            faults += verify_attributions(user_id=user_id)
            progress("attributions", 1)
        seconds = time.monotonic() - began
        if not options["json"]:
            for fault in faults:
                self.stdout.write(f"{fault.code}: {fault.subject}: {fault.detail}")
        told = {"faults": [asdict(fault) for fault in faults]} if options["json"] else {}
        facts = {"proven": not faults, "faults_found": len(faults), **told}
        self.report(facts, as_json=options["json"])
        if user_id is None:
            record_proof(started_at=started_at, seconds=seconds, faults=faults)
        if faults:
            sys.exit(1)


def _user_id(clerk_id: str | None) -> int | None:
    if clerk_id is None:
        return None
    user = User.objects.filter(clerk_id=clerk_id).first()
    if user is None:
        raise CommandError(f"Nobody has the Clerk id {clerk_id}.")
    return user.pk
