"""The groups of app server processes, each as one machine would run it."""

import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from deploy.trial.clerk import ISSUER, ORIGIN, Clerk
from deploy.trial.places import GROUPS, ROOT, Places
from deploy.trial.processes import Processes

PROGRAMS = Path(sys.executable).parent
"""Where python and granian are."""


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
        """Start one group by the script that starts it in earnest: a worker, two threads."""
        self.processes.start(
            f"group{number}",
            ["deploy/serve"],
            as_service=False,
            cwd=ROOT,
            env={
                **self.settings,
                "PATH": f"{PROGRAMS}:{self.processes.environment['PATH']}",
                "PORT": str(self.places.group(number)),
                "LISTEN_ADDRESS": "127.0.0.1",
                "WEB_WORKERS": "1",
                "PROMETHEUS_MULTIPROC_DIR": str(self.places.folder / f"metrics{number}"),
            },
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
