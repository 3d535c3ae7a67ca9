"""The schedule as text: the table of `docs/operations.md`, lines for cron, units for systemd."""

from collections.abc import Iterator, Sequence
from datetime import time, timedelta

from mimivibes.schedule.jobs import MINUTE, SCHEDULE, Job

DIRECTORY = "/srv/referrals"
PYTHON = ".venv/bin/python"


def table() -> str:
    """Return the schedule as a table in Markdown."""
    return "\n".join(["| command | when | what for |", "| --- | --- | --- |", *map(_row, SCHEDULE)])


def crontab(jobs: Sequence[Job] = SCHEDULE, directory: str = DIRECTORY) -> str:
    """Return a line of a crontab for each job; cron's clock is the machine's own."""
    return "\n".join(
        f"{_cron_time(job.when):<12} cd {directory} && {PYTHON} manage.py {' '.join(job.words)}"
        for job in jobs
    )


def systemd_units(job: Job, directory: str = DIRECTORY) -> Iterator[tuple[str, str]]:
    """Yield name and content of the service and the timer of one job."""
    name = f"referrals-{job.command.replace('_', '-')}"
    what_for = job.what_for[0].upper() + job.what_for[1:]
    yield (
        f"{name}.service",
        f"""[Unit]
Description={what_for}

[Service]
Type=oneshot
User=referrals
WorkingDirectory={directory}
ExecStart={directory}/{PYTHON} manage.py {" ".join(job.words)}
""",
    )
    yield (
        f"{name}.timer",
        f"""[Unit]
Description={what_for}

[Timer]
OnCalendar={_calendar_time(job.when)}
Persistent=true

[Install]
WantedBy=timers.target
""",
    )


def _row(job: Job) -> str:
    needs = f", if `{job.needs}` is set" if job.needs else ""
    words = " ".join((job.command, *job.arguments))
    return f"| `{words}` | {_told(job.when)}{needs} | {job.what_for} |"


def _told(when: timedelta | time) -> str:
    if isinstance(when, time):
        return f"every night at {when:%H:%M}"
    minutes = when // MINUTE
    return "every minute" if minutes == 1 else f"every {minutes} minutes"


def _cron_time(when: timedelta | time) -> str:
    if isinstance(when, time):
        return f"{when.minute} {when.hour} * * *"
    minutes = when // MINUTE
    return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"


def _calendar_time(when: timedelta | time) -> str:
    if isinstance(when, time):
        return f"*-*-* {when:%H:%M:%S}"
    minutes = when // MINUTE
    return "*-*-* *:*:00" if minutes == 1 else f"*-*-* *:0/{minutes}:00"
