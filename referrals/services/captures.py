"""Store, show, forget and adopt the codes that people open."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, OuterRef, Subquery, When

from accounts.models import User
from accounts.services import AccountDeleted
from referrals.browser_session import BrowserToken
from referrals.models import (
    BrowserSession,
    Capture,
    ClosedReason,
    ProgramTerms,
    ReferralCode,
    Touch,
)
from referrals.models.captures import CaptureQuerySet
from referrals.services.codes import CodeNotFound

MOST_DEVICES_PER_USER = 50


class OwnCode(Exception):
    """This is your own code; opening it stores nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A capture as it was stored: new or renewed, and the browser session that holds it now."""

    code: str
    scope: str
    captured_at: datetime
    expires_at: datetime
    is_new: bool
    browser: BrowserToken | None


def capture_code(
    *,
    code: str,
    user: User | None,
    browser: BrowserToken | None,
    now: datetime,
    landing_url: str = "",
    utm: dict[str, str] | None = None,
) -> Stored:
    """Store an opened `code` for who is signed in, otherwise for this browser session alone.

    A browser session that was adopted meanwhile, or that has stored nothing yet, is replaced by a
    fresh one on the same device. Raises `CodeNotFound`, `OwnCode`, `AccountDeleted`.
    """
    opened, lifetime = _usable_code(code, now)
    values: dict[str, Any] = {
        "opened_at": now,
        "expires_at": now + lifetime,
        "landing_url": _without_query(landing_url),
        "utm": utm or {},
    }
    if user is not None:
        if opened.owner_id == user.pk:
            raise OwnCode
        is_new = _store_for_user(user, opened, values)
    else:
        browser, is_new = _store_for_browser(browser, opened, values)
    return Stored(
        code=opened.code,
        scope="browser_session" if user is None else "user",
        captured_at=now,
        expires_at=values["expires_at"],
        is_new=is_new,
        browser=browser,
    )


def _usable_code(text: str, now: datetime) -> tuple[ReferralCode, timedelta]:
    """Return the code, and how long its program's terms keep a capture, in one query."""
    in_force = ProgramTerms.objects.in_force(now).filter(program=OuterRef("program"))
    code = (
        ReferralCode.objects.typed(text)
        .usable()
        .annotate(capture_days=Subquery(in_force.values("capture_days")[:1]))
        .exclude(capture_days=None)
        .first()
    )
    if code is None:
        raise CodeNotFound
    return code, timedelta(days=code.capture_days)  # type: ignore[attr-defined]  # annotated


def _store_for_user(user: User, code: ReferralCode, values: dict[str, Any]) -> bool:
    held = Capture.objects.filter(user=user, code=code)
    if _renew(held, values):
        return False
    try:
        with transaction.atomic():
            _insert_for(user, code, values)
    except IntegrityError:  # the same person opened it in another tab at the same moment
        _renew(held, values)
        return False
    return True


@transaction.atomic
def _store_for_browser(
    browser: BrowserToken | None, code: ReferralCode, values: dict[str, Any]
) -> tuple[BrowserToken, bool]:
    if browser is not None and browser.holds_captures:
        # The lock makes a capture and an adoption of one browser session take turns.
        session = BrowserSession.objects.select_for_update(no_key=True).filter(
            pk=browser.session_id, adopted_at__isnull=True
        )
        if session.first():
            held = Capture.objects.of_visitor(browser.session_id).filter(code=code)
            if _renew(held, values):
                return browser, False
            _insert(code, values, browser_session_id=browser.session_id)
            return browser, True
    fresh = browser.renewed() if browser else BrowserToken.issue()
    BrowserSession.objects.bulk_create(
        [
            BrowserSession(
                pk=fresh.session_id, device_id=fresh.device_id, created_at=values["opened_at"]
            )
        ]
    )
    _insert(code, values, browser_session_id=fresh.session_id)
    return fresh.with_captures(), True


def _renew(held: CaptureQuerySet, values: dict[str, Any]) -> bool:
    """Note that a code was opened again; one that had expired begins anew."""
    now = values["opened_at"]
    first = Case(When(expires_at__lte=now, then=now), default=F("first_opened_at"))
    return bool(held.open().update(first_opened_at=first, **values))


def _insert(code: ReferralCode, values: dict[str, Any], **owner: Any) -> None:
    Capture.objects.bulk_create(
        [Capture(code=code, first_opened_at=values["opened_at"], **owner, **values)]
    )


def _insert_for(user: User, code: ReferralCode, values: dict[str, Any]) -> None:
    """Insert a capture of somebody signed in. Raises `AccountDeleted` if they are erased meanwhile.

    The lock makes the two take turns, so that nothing is stored after the erasure has looked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_FOR,
            {**values, "utm": json.dumps(values["utm"]), "user": user.pk, "code": code.pk},
        )
        if not cursor.rowcount:
            raise AccountDeleted


_INSERT_FOR = """
INSERT INTO referrals_capture (code_id, user_id, first_opened_at, opened_at, expires_at,
                               landing_url, utm, closed_reason)
SELECT %(code)s::bigint, person.id, %(opened_at)s::timestamptz, %(opened_at)s, %(expires_at)s,
       %(landing_url)s, %(utm)s::jsonb, ''
FROM accounts_user AS person WHERE person.id = %(user)s AND person.deleted_at IS NULL
FOR SHARE
"""


def _without_query(url: str) -> str:
    """Drop query and fragment: they may carry tokens and personal data, and explain nothing."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def visible_captures(
    *, user: User | None, browser: BrowserToken | None, now: datetime
) -> CaptureQuerySet:
    """Return what this caller may claim at `now`: the user's captures, or the visitor's session's.

    Codes that have gone out of use are left out. No caller ever sees another's.
    """
    captures = Capture.objects.claimable(now).select_related("code__owner", "code__program")
    if user is not None:
        return captures.filter(user=user)
    if browser is None or not browser.holds_captures:
        return captures.none()
    return captures.of_visitor(browser.session_id)


def current_capture(
    *, user: User | None, browser: BrowserToken | None, now: datetime
) -> Capture | None:
    """Return the capture that a claim by this caller would use, by the terms' touch policy."""
    return chosen_capture(with_touch(visible_captures(user=user, browser=browser, now=now), now))


def with_touch(captures: CaptureQuerySet, now: datetime) -> CaptureQuerySet:
    """Annotate each capture with the `touch` of its program's terms in force."""
    in_force = ProgramTerms.objects.in_force(now).filter(program=OuterRef("code__program"))
    return captures.annotate(touch=Subquery(in_force.values("touch")[:1]))


class Opened(Protocol):
    """What the choice among captures looks at."""

    @property
    def pk(self) -> int: ...
    @property
    def code(self) -> Any: ...
    @property
    def first_opened_at(self) -> datetime: ...
    @property
    def opened_at(self) -> datetime: ...


AnyOpened = TypeVar("AnyOpened", bound=Opened)


def chosen_capture(captures: Iterable[AnyOpened]) -> AnyOpened | None:
    """Choose among captures annotated by `with_touch`: the first or the last opened.

    The program of the last opened one says which. A code out of use is passed over.
    """
    usable = [capture for capture in captures if capture.code.is_usable()]
    if not usable:
        return None
    last = max(usable, key=lambda capture: (capture.opened_at, capture.pk))
    if last.touch != Touch.FIRST:  # type: ignore[attr-defined]  # annotated
        return last
    same_program = [c for c in usable if c.code.program_id == last.code.program_id]
    return min(same_program, key=lambda capture: (capture.first_opened_at, capture.pk))


def forget_captures(*, user: User | None, browser: BrowserToken | None, now: datetime) -> None:
    """Close this caller's captures, nobody else's."""
    visible_captures(user=user, browser=browser, now=now).order_by().update(
        closed_at=now, closed_reason=ClosedReason.FORGOTTEN
    )


def meet_browser(*, user: User, browser: BrowserToken | None, now: datetime) -> BrowserToken:
    """Adopt what the browser session holds and record the person's device.

    Returns the value that the browser is to carry from now on: the same one, at the cost of no
    query, if there was nothing to do.
    """
    if browser is None:
        browser = BrowserToken.issue()
    elif browser.holds_captures:
        adopt_browser_session(user=user, browser=browser, now=now)
        browser = browser.renewed()
    if browser.is_recorded_for(user.pk):
        return browser
    _record_device(user, browser, now)
    return browser.as_recorded_for(user.pk)


def _record_device(user: User, browser: BrowserToken, now: datetime) -> None:
    """Record that `user` was signed in here; of very many devices the oldest give way.

    A client that keeps neither cookie nor header is a new device at each request.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_DEVICE,
            {
                "user": user.pk,
                "device": browser.device_id,
                "now": now,
                "kept": MOST_DEVICES_PER_USER - 1,
            },
        )


# Locked first, so that somebody who is erased at this moment leaves no device behind.
_RECORD_DEVICE = """
WITH person AS MATERIALIZED (
    SELECT id FROM accounts_user WHERE id = %(user)s AND deleted_at IS NULL FOR SHARE
), surplus AS (
    SELECT id FROM referrals_userdevice WHERE user_id = (SELECT id FROM person)
    ORDER BY id DESC OFFSET %(kept)s FOR UPDATE SKIP LOCKED
), dropped AS (
    DELETE FROM referrals_userdevice WHERE id IN (SELECT id FROM surplus)
)
INSERT INTO referrals_userdevice (device_id, user_id, first_seen_at)
SELECT %(device)s::uuid, id, %(now)s::timestamptz FROM person
ON CONFLICT DO NOTHING
"""


def adopt_browser_session(*, user: User, browser: BrowserToken, now: datetime) -> bool:
    """Hand the captures of a browser session to `user`, unless somebody has adopted it.

    If two users race for it, exactly one gets them: the row's update is the decision. Their own
    code is dropped; a code that they hold already is merged. Returns whether this call adopted it.
    """
    try:
        return _adopt(user, browser, now)
    except IntegrityError:  # they opened the same code signed in at this moment: now merge it
        return _adopt(user, browser, now)


@transaction.atomic
def _adopt(user: User, browser: BrowserToken, now: datetime) -> bool:
    if not _take_over(user, browser, now):
        return False
    visitors = Capture.objects.of_visitor(browser.session_id).claimable(now)
    # Locked, so that somebody who forgets them at this moment is not overruled.
    locked = visitors.select_for_update(of=("self",), no_key=True).order_by("code")
    opened = list(locked.select_related("code"))
    held = {
        capture.code_id: capture
        for capture in Capture.objects.open().filter(
            user=user, code__in=[capture.code_id for capture in opened]
        )
    }
    for capture in opened:
        _hand_over(capture, user, held.get(capture.code_id), now)
    return True


def _take_over(user: User, browser: BrowserToken, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, {"user": user.pk, "session": browser.session_id, "now": now})
        return bool(cursor.rowcount)


# The person is locked first: somebody who is erased at this moment takes nothing over any more.
_TAKE_OVER = """
WITH person AS MATERIALIZED (
    SELECT id FROM accounts_user WHERE id = %(user)s AND deleted_at IS NULL FOR SHARE
)
UPDATE referrals_browsersession AS visit SET adopted_at = %(now)s, adopted_by_id = person.id
FROM person WHERE visit.id = %(session)s AND visit.adopted_at IS NULL
"""


def _hand_over(capture: Capture, user: User, held: Capture | None, now: datetime) -> None:
    capture.adopted_at = now
    if capture.code.owner_id == user.pk:
        capture.closed_at, capture.closed_reason = now, ClosedReason.OWN_CODE
    elif held is not None:
        capture.closed_at, capture.closed_reason = now, ClosedReason.MERGED
        # What had expired begins anew, as when it is opened again.
        first = held.first_opened_at if held.expires_at > now else capture.first_opened_at
        held.first_opened_at = min(first, capture.first_opened_at)
        held.opened_at = max(held.opened_at, capture.opened_at)
        held.expires_at = max(held.expires_at, capture.expires_at)
        held.save(update_fields=["first_opened_at", "opened_at", "expires_at"])
    else:
        capture.user = user
    capture.save(update_fields=["user", "adopted_at", "closed_at", "closed_reason"])
