from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from backoffice.sign_in.second_factor import reset_second_factor


class Command(ReportingCommand):
    help = (
        "Take a member of staff's second factor from them, for a phone that is lost, and sign them"
        " out everywhere. Superusers do the same in the admin."
    )
    example = "manage.py reset_second_factor aree"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="whose second factor it is")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no member of staff called {username}.")
        had_one = reset_second_factor(user=user)
        if options["json"]:
            self.report({"username": username, "reset": had_one}, as_json=True)
        else:
            self.stdout.write("It is reset." if had_one else "There was no second factor.")
