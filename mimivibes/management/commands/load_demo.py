from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from mimivibes import development
from mimivibes.demo import data
from mimivibes.environment import DATA_DIR


class Command(ReportingCommand):
    help = (
        "Migrate the database, then load people and invitations to look at (DEBUG only). A second"
        " time changes nothing."
    )
    example = "DEBUG=true manage.py load_demo"
    # Whoever runs this without DEBUG is to read that, not which settings production lacks.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo data is for development: DEBUG is off, so nothing was done.")
        # In this process, for each start of Python costs `make run` most of a second.
        call_command("migrate", verbosity=0, interactive=False)
        password = development.staff_password(DATA_DIR)
        if data.load(timezone.now()):
            _make_staff(password)
            # So that the dashboard can say so; as JSON, it shows no progress.
            call_command("verify_ledger", "--json", stdout=StringIO())
        address = f"http://localhost:{settings.PORT}"
        self.stdout.write(f"Demo   {address}/")
        self.stdout.write(f"Admin  {address}/admin/  sign in as {data.STAFF} with {password}")
        self.stdout.write(f"Docs   {address}/api/docs/")


def _make_staff(password: str) -> None:
    if not User.objects.filter(username=data.STAFF).exists():
        User.objects.create_superuser(data.STAFF, password, first_name="Aree")
