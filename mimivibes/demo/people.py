"""Who plays in the demo: the cast, and newcomers whose names nobody has had yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.development import clerk_id_of
from accounts.models import User
from referrals.services.reports import referral_profile
from rewards.services import balances_of

CAST = {
    "Nok": gettext_noop("Was here first and invites everybody."),
    "Ploy": gettext_noop("Has heard of it from a friend."),
    "Mali": gettext_noop("Shares a phone with Ploy."),
    "Somchai": gettext_noop("Would like to invite himself."),
}
NEW_HERE = gettext_noop("Came to this phone as new.")
NEWCOMERS = (
    *("Anong", "Boonmee", "Chai", "Dao", "Fah", "Gaew", "Jinda", "Kanya", "Lamai", "Malee"),
    *("Narong", "Orathai", "Pim", "Rattana", "Siri", "Tida", "Ubon", "Wan", "Yada", "Chompoo"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in by the development issuer, known to the program or not yet."""

    name: str
    clerk_id: str
    user: User | None

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return what the page shows of them."""
        shown = {
            "name": self.name,
            "about": _(CAST.get(self.name, NEW_HERE)),
        }
        if self.user is None or self.user.is_gone:
            return {**shown, "referral_code": None, "balances": None, "attribution": None}
        profile = referral_profile(user=self.user, now=now)
        attribution = profile.attribution
        return {
            **shown,
            "referral_code": profile.code.code,
            "balances": balances_of(self.user.pk).as_dict(),
            "attribution": attribution
            and {
                "status": attribution.status,
                "referrer": {"display_name": attribution.referrer.display_name},
            },
        }


def people_named(names: Sequence[str]) -> list[Person]:
    """Return these people in order, each once, in one query. Raises `NameUnusable`."""
    ids = {name: clerk_id_of(name) for name in names}
    users = {user.clerk_id: user for user in User.objects.filter(clerk_id__in=ids.values())}
    return [Person(name, clerk_id, users.get(clerk_id)) for name, clerk_id in ids.items()]


def new_name() -> str:
    """Return the first name of the list that nobody has, with a number once all are taken."""
    for number in count(1):
        names = [name if number == 1 else f"{name} {number}" for name in NEWCOMERS]
        for person in people_named(names):
            if person.user is None:
                return person.name
    raise AssertionError("counting does not end")
