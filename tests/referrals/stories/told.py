"""What somebody's story says now."""

from typing import Any

from django.utils import timezone

from referrals.services.story import Moment, Story, story_of
from tests.people import Person
from tests.referrals.story import user_of


def story(person: Person, **kwargs: Any) -> Story:
    return story_of(user=user_of(person), now=timezone.now(), **kwargs)


def texts(person: Person) -> list[str]:
    return [moment.text for moment in story(person).moments]


def moment(person: Person, begins: str) -> Moment:
    """Return the one moment of somebody's story that begins so."""
    (found,) = [m for m in story(person).moments if m.text.startswith(begins)]
    return found


def summary(person: Person) -> str:
    return story(person).summary
