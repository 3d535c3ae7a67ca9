import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.sign_in.second_factor import reset_second_factor


class Command(BaseCommand):
    help = (
        "Take a member of staff's second factor from them, for a phone that is lost, and sign them"
        " out everywhere. Superusers do the same in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no member of staff called {username}.")
        had_one = reset_second_factor(user=user)
        if options["json"]:
            self.stdout.write(json.dumps({"username": username, "reset": had_one}))
        else:
            self.stdout.write("It is reset." if had_one else "There was no second factor.")
