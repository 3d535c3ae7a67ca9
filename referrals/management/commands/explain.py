from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.reporting import ReportingCommand
from accounts.models import User
from referrals.services.story import Moment, Story, story_of


class Command(ReportingCommand):
    help = (
        "Tell why somebody was attributed to whom, or to nobody: in a sentence, then everything "
        "that led there in order, with every rule that did not pass. The attribution's page in the "
        "admin tells the same."
    )
    example = "manage.py explain user_2abc\n  manage.py explain user_2abc --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clerk_id", metavar="CLERK_ID", help="whom to tell of")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(clerk_id=options["clerk_id"]).first()
        if user is None:
            raise CommandError(f"Nobody has the Clerk id {options['clerk_id']}.")
        story = story_of(user=user, now=timezone.now())
        if options["json"]:
            self.report(_facts(user, story), as_json=True)
            return
        self.stdout.write(story.summary)
        for line in _who(user, story):
            self.stdout.write(line)
        for moment in story.moments:
            self._tell(moment)
        for note in story.left_out:
            self.stdout.write(note)

    def _tell(self, moment: Moment) -> None:
        self.stdout.write(f"  {_local(moment):%Y-%m-%d %H:%M:%S}  {moment.text} [{moment.by.text}]")
        for detail in moment.details:
            self.stdout.write(f"{' ' * 23}{detail}")
        for check in moment.open_checks:
            self.stdout.write(f"{' ' * 23}{check.asks}: {check.found}. {check.reason}")


def _local(moment: Moment) -> Any:
    return timezone.localtime(moment.at)


def _who(user: User, story: Story) -> Iterator[str]:
    yield f"  person: {user.known_as}"
    if story.attribution:
        attribution = story.attribution
        yield f"  inviter: {attribution.referrer.known_as}, code {attribution.code}"
        yield f"  attribution: {attribution.pk}, {attribution.status}, terms {attribution.terms}"


def _facts(user: User, story: Story) -> dict[str, Any]:
    attribution = story.attribution
    return {
        "summary": story.summary,
        "clerk_id": user.clerk_id,
        "attribution": str(attribution.pk) if attribution else None,
        "status": attribution.status if attribution else None,
        "referrer": attribution.referrer.clerk_id if attribution else None,
        "story": [_moment(moment) for moment in story.moments],
        "left_out": story.left_out,
    }


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "at": moment.at.isoformat(),
        "text": moment.text,
        "by": moment.by.text,
        "details": list(moment.details),
        "rules": [
            {"rule": check.rule, "verdict": check.verdict, "reason": check.reason}
            for check in moment.open_checks
        ],
    }
