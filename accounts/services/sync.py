"""Bring in from Clerk's Backend API what no webhook and no token has told."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.clerk.backend import IDS_LIMIT, PAGE_LIMIT, users_by_id, users_from
from accounts.clerk.profiles import ProfileUnusable, profile_of
from accounts.models import ClerkSync, User
from accounts.services.people import Unapplied, apply_clerk_profile

logger = logging.getLogger(__name__)

RESUMED_FOR = timedelta(days=1)
Clock = Callable[[], datetime]


@dataclass
class SyncReport:
    """What a synchronisation has done so far, in users."""

    seen: int = 0
    updated: int = 0
    unchanged: int = 0
    unusable: int = 0
    failed: int = 0
    not_in_clerk: int = 0
    resumed_at: int = 0


def sync_missing_users(*, clock: Clock) -> Iterator[SyncReport]:
    """Ask Clerk about our users whose profile it has never sent; yield the report at each page.

    Resumable by nature: whoever has been brought in is missing no more. Raises `ClerkApiFailed` or
    `SecretKeyMissing`.
    """
    report = SyncReport()
    last = 0
    while missing := _missing_after(last):
        found = users_by_id(missing.values())
        _apply(found, report, clock())
        ids = {user.get("id") for user in found if isinstance(user, dict)}
        report.not_in_clerk += len(set(missing.values()) - ids)
        last = max(missing)
        yield report


def sync_all_users(*, clock: Clock, page_size: int = PAGE_LIMIT) -> Iterator[SyncReport]:
    """Go through all of Clerk's users, provisioning the unknown; yield the report at each page.

    A run that was broken off within a day is taken up at its page. Raises as `sync_missing_users`.
    """
    run = _open_run(clock())
    report = SyncReport(resumed_at=run.next_offset)
    while users := users_from(offset=run.next_offset, limit=page_size):
        _apply(users, report, clock())
        run.next_offset += len(users)
        run.save(update_fields=["next_offset"])
        yield report
    run.finished_at = clock()
    run.save(update_fields=["finished_at"])
    yield report


def _missing_after(last: int) -> dict[int, str]:
    """Return the next of our users without a profile, Clerk id by primary key."""
    missing = User.objects.filter(
        pk__gt=last, clerk_id__isnull=False, clerk_updated_at=None, deleted_at=None
    )
    rows = missing.order_by("pk").values_list("pk", "clerk_id")[:IDS_LIMIT]
    return {pk: str(clerk_id) for pk, clerk_id in rows}


def _open_run(now: datetime) -> ClerkSync:
    ClerkSync.objects.filter(finished_at=None, started_at__lt=now - RESUMED_FOR).update(
        finished_at=now
    )
    run, _ = ClerkSync.objects.get_or_create(finished_at=None, defaults={"started_at": now})
    return run


def _apply(users: Iterable[Any], report: SyncReport, now: datetime) -> None:
    for user in users:
        report.seen += 1
        outcome = _outcome(user, now)
        setattr(report, outcome, getattr(report, outcome) + 1)


def _outcome(user: Any, now: datetime) -> str:
    try:
        result = apply_clerk_profile(profile=profile_of(user), now=now)
    except ProfileUnusable:
        return "unusable"
    except Exception as error:
        # One user must not keep all the others from coming in; the command's status tells of it.
        logger.error("A user could not be brought in: %s", type(error).__name__)
        return "failed"
    return "unchanged" if isinstance(result, Unapplied) else "updated"
