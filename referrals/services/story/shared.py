"""The devices that somebody was signed in on, and who else was."""

from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import User
from referrals.models import UserDevice

MOST_DEVICES = 20
MOST_OTHERS = 10


@dataclass(frozen=True, slots=True)
class SharedDevice:
    """A device with up to ten others who used it, those who came last."""

    device: UserDevice
    others: list[User]
    has_more: bool


def devices_of(user: User) -> tuple[list[SharedDevice], bool]:
    """Return the newest devices of `user`, and whether there are more; two queries."""
    of_others = (
        UserDevice.objects.filter(device_id=OuterRef("device_id"))
        .exclude(user=user)
        .order_by("-user_id")
        .values("user_id")[: MOST_OTHERS + 1]
    )
    used = UserDevice.objects.filter(user=user).annotate(others=ArraySubquery(of_others))
    found = list(used.order_by("-id")[: MOST_DEVICES + 1])
    newest = found[:MOST_DEVICES]
    people = User.objects.in_bulk({id_ for device in newest for id_ in _others(device)})
    return [_shared(device, people) for device in newest], len(found) > MOST_DEVICES


def _others(device: UserDevice) -> list[int]:
    return list(device.others)  # type: ignore[attr-defined]  # annotated


def _shared(device: UserDevice, people: dict[int, User]) -> SharedDevice:
    ids = _others(device)
    others = [people[id_] for id_ in ids[:MOST_OTHERS]]
    return SharedDevice(device, others, len(ids) > MOST_OTHERS)
