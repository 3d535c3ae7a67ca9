"""Rows that a time stands on, and that nothing else needs once it has passed."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

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
    before = now - RUN_AGE
    # Whatever ended by then began by then, and that is what there is an index of.
    return CommandRun.objects.filter(finished_at__lte=before, started_at__lte=before)


def old_attempts(now: datetime) -> QuerySet[SignInAttempts]:
    return SignInAttempts.objects.filter(since__lt=now - ATTEMPTS_AGE)
