"""Aree, of staff, corrects attributions by the services: looks at what it would do, and does it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils import timezone

from backoffice.rehearsal import carry_out, rehearse
from referrals.models import Attribution
from rewards.services.effects import Effect
from tests.people import Person
from tests.referrals.story import balances


def by_aree(verb: Callable[..., Any], subject: Any, **more: Any) -> Effect:
    """Correct `subject` as it was shown; raise what the correction raises."""
    act = partial(
        verb, subject, actor="staff:aree", reason="Looked at it", now=timezone.now(), **more
    )
    return carry_out(act, seen=rehearse(act).digest)


def held_by(*people: Person) -> list[dict[str, int]]:
    """Return what each of these people holds."""
    return [balances(person).as_dict() for person in people]


def fresh(attribution: Attribution) -> Attribution:
    return Attribution.objects.with_names().get(pk=attribution.pk)
