"""How long somebody stays signed in: some hours at most, and some minutes of doing nothing."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

SEEN_AT = "seen_at"
NOTED_EVERY = 60
"""Seconds: a session is written at most this often, however much somebody clicks."""


def limit_session(*, request: HttpRequest, **kwargs: Any) -> None:
    """End a session that has just begun at a fixed time; Django itself would put it off."""
    now = timezone.now()
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    request.session[SEEN_AT] = int(now.timestamp())


def is_idle(session: SessionBase, now: datetime) -> bool:
    """Return whether nothing was done for too long; note that something is done now, if not."""
    seen_at, at = session.get(SEEN_AT), int(now.timestamp())
    if seen_at is None:
        return False
    if at - seen_at > settings.ADMIN_SESSION_IDLE_MINUTES * 60:
        return True
    if at - seen_at >= NOTED_EVERY:
        session[SEEN_AT] = at
    return False


def end_sessions(user: AbstractBaseUser, *, but: str | None = None) -> None:
    """Sign somebody out everywhere, but for the session `but`.

    Staff alone have sessions, so that there are few; whose one is stands inside it.
    """
    for session in Session.objects.exclude(session_key=but):
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
