import json
import signal
import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.management.reporting import ReportingCommand, number_between
from mimivibes.environment import BASE_DIR
from mimivibes.schedule.examples import crontab
from mimivibes.schedule.jobs import active_jobs
from mimivibes.schedule.leases import forget_all
from mimivibes.schedule.runner import Runner

GRACE = 25


class Command(ReportingCommand):
    help = (
        "Run everything that must run regularly, each job as a process of its own when it is due,"
        " until SIGTERM. Any number of machines may do so at once: each job runs on one of them. A"
        " job that fails stops no other; it shows in the admin at Scheduled jobs."
    )
    example = "manage.py run_schedule --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--once",
            action="store_true",
            help="run what is due and end; exit status 1 if anything failed",
        )
        which.add_argument(
            "--crontab", action="store_true", help="print the schedule for cron, and run nothing"
        )
        which.add_argument(
            "--forget",
            action="store_true",
            help="forget when jobs are due, once you have gone back to cron or timers",
        )
        parser.add_argument(
            "--grace",
            type=number_between(0, 24 * 3600),
            default=GRACE,
            metavar="S",
            help="after SIGTERM, give jobs so many seconds to end by themselves; what is broken off"
            f" then is due at once for others (default {GRACE})",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["crontab"]:
            self.stdout.write(crontab(active_jobs(), str(BASE_DIR)))
        elif options["forget"]:
            self.report({"forgotten": forget_all()}, as_json=options["json"])
        else:
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        self._as_json = options["json"]
        grace = timedelta(seconds=options["grace"])
        runner = Runner(active_jobs(), log=self._log, grace=grace)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: runner.stop.set())
        if not options["once"]:
            runner.run()
            return
        runner.run_once()
        if runner.failed:
            sys.exit(1)

    def _log(self, facts: dict[str, Any]) -> None:
        line = {"at": timezone.now().isoformat(timespec="seconds"), **facts}
        text = (
            json.dumps(line) if self._as_json else " ".join(_told(*fact) for fact in line.items())
        )
        self.stdout.write(text)
        self.stdout.flush()


def _told(name: str, value: Any) -> str:
    return value if isinstance(value, str) else f"{name}={json.dumps(value)}"
