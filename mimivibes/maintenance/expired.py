"""Rows that a time stands on, and that nothing else needs once it has passed."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet

from accounts.models import HashSalt
from accounts.services import salts_of_the_past
from backoffice.models import SignInAttempts
from backoffice.sign_in.throttle import KEPT as ATTEMPTS_AGE
from mimivibes.models import CommandRun
from rewards.models import IdempotencyRecord

ANSWER_AGE = timedelta(days=30)
"""How long a repeated request gets the very answer; its key on the ledger is kept for ever."""
RUN_AGE = timedelta(days=90)


def old_sessions(now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lte=now)


def old_answers(now: datetime) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(created_at__lte=now - ANSWER_AGE)


def old_runs(now: datetime) -> QuerySet[CommandRun]:
    return CommandRun.objects.filter(finished_at__lte=now - RUN_AGE)


def old_attempts(now: datetime) -> QuerySet[SignInAttempts]:
    return SignInAttempts.objects.filter(since__lt=now - ATTEMPTS_AGE)


def old_salts(now: datetime) -> QuerySet[HashSalt]:
    return salts_of_the_past(now)


def remove(rows: QuerySet[Any], *, after: Any, limit: int) -> tuple[int, Any]:
    """Delete up to `limit` of these rows, which nothing refers to, by primary key."""
    further = rows.filter(pk__gt=after) if after is not None else rows
    locked = further.select_for_update(skip_locked=True).order_by("pk")
    keys = list(locked.values_list("pk", flat=True)[:limit])
    if not keys:
        return 0, None
    model: type[Model] = rows.model
    found: QuerySet[Any] = model._default_manager.filter(pk__in=keys)
    done = found._raw_delete(found.db)
    return done, keys[-1] if len(keys) == limit else None
