from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from referrals.services.story import story_of


class Command(ReportingCommand):
    help = "Tell why somebody was attributed to whom, or to nobody, and how it came about."
    example = "manage.py explain user_2abc"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clerk_id", metavar="CLERK_ID")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(clerk_id=options["clerk_id"]).first()
        if user is None:
            raise CommandError(f"Nobody has the Clerk id {options['clerk_id']}.")
        story = story_of(user=user, now=timezone.now())
        if options["json"]:
            lines = [{"at": line.at.isoformat(), "text": line.text} for line in story.lines]
            status = story.attribution.status if story.attribution else None
            self.report({"summary": story.summary, "status": status, "story": lines}, as_json=True)
            return
        self.stdout.write(story.summary)
        for line in story.lines:
            self.stdout.write(f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.text}")
