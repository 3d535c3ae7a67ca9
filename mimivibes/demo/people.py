"""Who plays in the demo: the cast, and newcomers whose names nobody has had yet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from referrals.services.reports import referral_profile
from rewards.services import balances_of

CAST = {
    "Nok": "Was here first and invites everybody.",
    "Ploy": "Has heard of it from a friend.",
    "Mali": "Borrows Ploy’s phone now and then.",
    "Somchai": "Would like to invite himself.",
}
NEWCOMERS = (
    *("Anong", "Boonmee", "Chai", "Dao", "Fah", "Gaew", "Jinda", "Kanya", "Lamai", "Malee"),
    *("Narong", "Orathai", "Pim", "Rattana", "Siri", "Tida", "Ubon", "Wan", "Yada", "Chompoo"),
)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 .'-]{0,39}")
NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")


class NameNotUsable(Exception):
    """A name has 1 to 40 letters, digits and spaces, and begins with a letter."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in by the development issuer, known to the program or not yet."""

    name: str
    clerk_id: str
    user: User | None

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return what the page shows of them."""
        shown = {"name": self.name, "about": CAST.get(self.name, "Came to this phone as new.")}
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
    """Return these people in order, each once, in one query. Raises `NameNotUsable`."""
    ids = {name: clerk_id_of(name) for name in names}
    users = {user.clerk_id: user for user in User.objects.filter(clerk_id__in=ids.values())}
    return [Person(name, clerk_id, users.get(clerk_id)) for name, clerk_id in ids.items()]


def clerk_id_of(name: str) -> str:
    """Return the Clerk id of a person of the demo. Raises `NameNotUsable`."""
    if not NAME.fullmatch(name):
        raise NameNotUsable
    return f"user_demo_{NOT_ALPHANUMERIC.sub('_', name.lower())}"


def new_name() -> str:
    """Return the first name of the list that nobody has, with a number once all are taken."""
    taken = set(
        User.objects.filter(clerk_id__startswith="user_demo_").values_list("clerk_id", flat=True)
    )
    for number in range(1, len(taken) + 2):
        for name in NEWCOMERS:
            candidate = name if number == 1 else f"{name} {number}"
            if clerk_id_of(candidate) not in taken:
                return candidate
    raise AssertionError("more names are tried than can be taken")
