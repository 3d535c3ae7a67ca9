import signal
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import WRONG_USE, ReportingCommand, number_between
from outbox.services import Report, outbox_figures, send_batch
from outbox.services.sending import Misconfigured, SendingFailed
from outbox.svix_client import SvixClient
from referrals.services.announcements import EVENT_TYPES as OF_ATTRIBUTIONS
from rewards.services.announcements import EVENT_TYPES as OF_BALANCES

SECONDS_BETWEEN_LOOKS = 1


class Command(ReportingCommand):
    help = (
        "Hand what waits in the outbox over to Svix, which delivers it to the web app. Safe to run"
        " in parallel and to kill: what was not written down as sent is sent again, under the same"
        " event id. Exit status 1 if Svix does not answer, or refuses; nothing is lost by it."
    )
    example = "manage.py send_outbox --for 55 --json"
    _until = 0.0
    _is_told_to_end = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--for",
            dest="seconds",
            type=number_between(1, 24 * 3600),
            default=0,
            metavar="S",
            help="go on looking for new messages for so many seconds (default: end at none)",
        )
        parser.add_argument(
            "--register",
            action="store_true",
            help="make the application and the event types at Svix, and send nothing",
        )
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SVIX_TOKEN:
            raise CommandError("The outbox is off: SVIX_TOKEN is not set.", returncode=WRONG_USE)
        client = SvixClient(
            token=settings.SVIX_TOKEN,
            server_url=settings.SVIX_SERVER_URL,
            app=settings.SVIX_APP,
        )
        if options["register"]:
            self._register(client, as_json=options["json"])
        else:
            self._send(client, options)

    def _register(self, client: SvixClient, *, as_json: bool) -> None:
        event_types = {**OF_ATTRIBUTIONS, **OF_BALANCES}
        try:
            client.register(event_types)
        except Exception as error:
            raise CommandError(f"Not all was registered; run it again. {error}") from error
        self.report(
            {"application": settings.SVIX_APP, "event_types": sorted(event_types)}, as_json=as_json
        )

    def _send(self, client: SvixClient, options: dict[str, Any]) -> None:
        self._until = time.monotonic() + options["seconds"]
        if options["seconds"]:
            signal.signal(signal.SIGTERM, self._end_soon)
        total = Report()
        while total.stopped_by is None:
            batch = send_batch(send=client.send, clock=timezone.now)
            total.add(batch)
            if time.monotonic() >= self._until and (batch.is_over or self._is_told_to_end):
                break
            if batch.is_over:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        self._tell(total, as_json=options["json"])
        if total.failed or isinstance(total.stopped_by, Misconfigured | SendingFailed):
            sys.exit(1)

    def _end_soon(self, *_: object) -> None:
        """End after the batch under way, whatever else waits."""
        self._until, self._is_told_to_end = 0.0, True

    def _tell(self, total: Report, *, as_json: bool) -> None:
        facts = {
            "sent": total.sent,
            "failed": total.failed,
            "given_up": total.given_up,
            "postponed": total.postponed,
            "waiting": outbox_figures().waiting,
            "stopped_by": str(total.stopped_by) if total.stopped_by else None,
        }
        self.report(facts, as_json=as_json)
