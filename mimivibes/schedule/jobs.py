"""The schedule: what must run regularly, how often, and what for.

The one source of it: `manage.py run_schedule` goes by it, `docs/operations.md` shows it, and the
examples for cron and systemd are written from it (`examples.py`).
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

MINUTE = timedelta(minutes=1)
NIGHTLY = ("--apply", "--max-seconds", "3600")


@dataclass(frozen=True, slots=True)
class Job:
    """A management command, and `when` it runs: so often, or once a day at a time (`TIME_ZONE`).

    What `needs` a setting is left out as long as that is empty. What `lingers` stays to look for
    work, and ends soon when it is told to.
    """

    command: str
    what_for: str
    when: timedelta | time
    arguments: tuple[str, ...] = ()
    needs: str = ""
    lingers: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Return what stands behind `manage.py`."""
        return (self.command, *self.arguments, "--json")

    @property
    def is_daily(self) -> bool:
        return isinstance(self.when, time)

    @property
    def longest(self) -> timedelta:
        """Return after how long a run counts as hung, and is killed."""
        return timedelta(hours=6) if self.is_daily else timedelta(hours=1)

    def next_after(self, moment: datetime, *, started_at: datetime) -> datetime:
        """Return when it is due next, seen at `moment`, after a run that began at `started_at`.

        However many times have passed meanwhile, they are made up for by one run.
        """
        if isinstance(self.when, timedelta):
            return max(started_at + self.when, moment)
        today = timezone.localdate(moment)
        zone = timezone.get_default_timezone()
        days = (today + timedelta(days=n) for n in (0, 1))
        return next(due for day in days if (due := datetime.combine(day, self.when, zone)) > moment)


SCHEDULE = (
    Job(
        "process_webhooks",
        "works deliveries of Clerk's again that failed, when their time has come",
        when=MINUTE,
    ),
    Job(
        "send_outbox",
        "tells the web app, by Svix, what has happened; looks every second for most of the minute",
        when=MINUTE,
        arguments=("--for", "55"),
        needs="SVIX_TOKEN",
        lingers=True,
    ),
    Job(
        "release_rewards",
        "pays referrers whose hold is over, and decides what was held until Clerk told the"
        " account's age",
        when=5 * MINUTE,
    ),
    Job(
        "verify_ledger",
        "proves the ledger, and that attributions are paid as they stand",
        when=time(3, 10),
    ),
    Job(
        "close_days",
        "keeps the dashboard's figures of the days that are over, before the clean-ups delete what"
        " they are counted from",
        when=time(3, 20),
    ),
    Job(
        "cleanup_captures",
        "removes captures that have had their time; 90 days let staff read what somebody opened and"
        " never claimed",
        when=time(3, 30),
        arguments=("--days", "90", *NIGHTLY),
    ),
    Job(
        "cleanup_webhooks",
        "removes old deliveries of Clerk's, and messages sent long ago",
        when=time(3, 40),
        arguments=NIGHTLY,
    ),
    Job(
        "cleanup_sessions",
        "removes expired sessions, old answers to repeated requests, old records",
        when=time(3, 45),
        arguments=NIGHTLY,
    ),
    Job(
        "sync_clerk_users",
        "fetches profiles that no webhook has brought",
        when=time(4, 50),
        needs="CLERK_SECRET_KEY",
    ),
)


def active_jobs() -> tuple[Job, ...]:
    """Return the jobs of the schedule that have something to do as things are set up."""
    return tuple(job for job in SCHEDULE if not job.needs or getattr(settings, job.needs))
