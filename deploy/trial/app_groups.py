"""The groups of app server processes, each as one machine would run it."""

import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from deploy.trial.clerk import ISSUER, ORIGIN, Clerk
from deploy.trial.places import GROUPS, ROOT, Places
from deploy.trial.processes import Processes

GRANIAN = Path(sys.executable).with_name("granian")


class CommandFailed(Exception):
    """A management command ended badly."""


class AppGroups:
    """Three times the app server, with production's settings."""

    def __init__(self, places: Places, processes: Processes, clerk: Clerk) -> None:
        self.places, self.processes, self.clerk = places, processes, clerk

    def start(self) -> None:
        for number in GROUPS:
            self.start_group(number)

    def start_group(self, number: int) -> None:
        """Start one group: a master, a worker, two threads."""
        self.processes.start(
            f"group{number}",
            [
                *(GRANIAN, "--interface", "wsgi", "--workers", "1", "--blocking-threads", "2"),
                *("--respawn-failed-workers", "--http", "1", "--no-ws", "--log-level", "warning"),
                *("--host", "127.0.0.1", "--port", str(self.places.group(number))),
                "mimivibes.wsgi:application",
            ],
            as_service=False,
            cwd=ROOT,
            env=self.settings,
        )

    def lose(self, number: int) -> None:
        """Lose the machine: master and workers, by SIGKILL."""
        self.processes.kill(f"group{number}")

    def manage(self, *arguments: str, port: int | None = None) -> str:
        """Run a management command on the primary, past PgBouncer; return what it printed.

        Raises `CommandFailed` with what it complained of.
        """
        address = self.places.database_url(port or self.places.primary)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.processes.environment, **self.settings, "DATABASE_URL": address},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    @cached_property
    def settings(self) -> dict[str, str]:
        pooled = self.places.pgbouncer
        return {
            "DJANGO_SETTINGS_MODULE": "mimivibes.settings",
            "ENV_FILE": os.devnull,
            "DEBUG": "false",
            "SECRET_KEY": self.places.password * 2,
            "ALLOWED_HOSTS": "127.0.0.1",
            "APP_URL": ORIGIN,
            "DATABASE_URL": self.places.database_url(pooled),
            "DATABASE_REPLICA_URL": self.places.database_url(pooled, "mimivibes_replica"),
            "REDIS_URL": f"redis://127.0.0.1:{self.places.redis}/0",
            "TRUSTED_PROXIES": "127.0.0.1",
            "CLERK_ISSUER": ISSUER,
            "CLERK_JWT_KEY": self.clerk.public_key,
            "CLERK_AUTHORIZED_PARTIES": ORIGIN,
            "CLERK_WEBHOOK_SECRET": self.clerk.webhook_secret,
            # The load's people come in a rush, which is nothing to hold their claims for.
            "VELOCITY_REFERRER_PER_HOUR": "1000000000",
            "VELOCITY_ADDRESS_PER_HOUR": "1000000000",
            "THROTTLE_USER": "1000/s",
            "LOG_LEVEL": "WARNING",
        }
