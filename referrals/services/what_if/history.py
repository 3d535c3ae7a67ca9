"""Read past claims, with all that a replay needs to know of them, page by page.

Each page costs the same few statements, however many claims, people and captures it has.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from accounts.models import User
from referrals.models import LIVE_STATUSES, Capture, ProgramTerms
from referrals.rules import Evaluation, Verdict
from referrals.services.what_if.counts import DAY, Span
from referrals.services.what_if.past import (
    LateDecision,
    PastAttribution,
    PastCapture,
    PastClaim,
    TermsThen,
)
from referrals.services.what_if.replay import Replay

PAGE = 2000
LIVE = [str(status) for status in LIVE_STATUSES]

# Every rule was asked; of what came later on something held, and of staff, not so.
_JUDGED = """jsonb_path_exists(d.evaluations, '$[*] ? (@.rule == "code_is_in_use")')"""
_BY_HAND = """jsonb_path_exists(d.evaluations, '$[*] ? (@.rule == "staff_decide")')"""
_IS_CLAIM = f"((d.attribution_id IS NULL OR {_JUDGED}) AND NOT {_BY_HAND})"
_STOPPED = """jsonb_path_query_array(d.evaluations, '$[*] ? (@.verdict != "pass")')"""
_ENDED_AT = """
(SELECT max(t.at) FROM referrals_timelineentry t
 WHERE a.status <> ALL(%(live)s) AND t.attribution_id = a.id
   AND t.to_status IN ('rejected', 'reversed'))
"""
# What staff moved was claimed before it was made.
_MADE_AT = """
coalesce((SELECT min(t.at) FROM referrals_timelineentry t WHERE t.attribution_id = a.id),
         a.claimed_at)
"""


class _Row(NamedTuple):
    """A decision on a claim, and the attribution that it made."""

    pk: int
    at: datetime
    referee_id: int
    referrer_id: int | None
    terms_id: int | None
    capture_id: int | None
    code: str
    outcome: str
    refusal: str
    was_judged: bool
    stopped: str  # JSON
    attribution_id: UUID | None


@dataclass(frozen=True, slots=True)
class Past:
    """The claims of a period, to be fed to a replay."""

    since: datetime
    until: datetime
    terms_then: TermsThen

    def feed(self, replay: Replay, *, most: int) -> tuple[int, datetime | None]:
        """Let `replay` take the claims, at most so many, in the order of their decisions.

        Returns how many there were, and the time of the last one if there were more.
        """
        taken, last_at = 0, None
        for rows in self._pages():
            page = rows[: most - taken]
            for claim in self._claims(page, replay):
                replay.take(claim)
            taken += len(page)
            last_at = page[-1].at if page else last_at
            if len(page) < len(rows):
                return taken, last_at
        return taken, None

    def _pages(self) -> Iterator[list[_Row]]:
        first, last = self._bounds()
        while rows := self._page(first, last):
            yield rows
            first = rows[-1].pk + 1

    def _bounds(self) -> tuple[int, int]:
        """Return the lowest and the highest id of the period: ids are in the order of the locks."""
        found = _rows(
            "SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM referrals_decision"
            " WHERE at >= %(since)s AND at < %(until)s",
            since=self.since,
            until=self.until,
        )
        return int(found[0][0]), int(found[0][1])

    def _page(self, first: int, last: int) -> list[_Row]:
        found = _rows(
            f"""
            SELECT d.id, d.at, d.referee_id, d.referrer_id, d.terms_id, d.capture_id, d.code,
                   d.outcome, d.refusal, d.evaluations <> '[]', {_STOPPED}, d.attribution_id
            FROM referrals_decision d
            WHERE d.id BETWEEN %(first)s AND %(last)s AND d.at >= %(since)s AND d.at < %(until)s
              AND {_IS_CLAIM}
            ORDER BY d.id LIMIT %(limit)s
            """,
            first=first,
            last=last,
            since=self.since,
            until=self.until,
            limit=PAGE,
        )
        return [_Row(*row) for row in found]

    def _claims(self, rows: list[_Row], replay: Replay) -> Iterator[PastClaim]:
        """Turn rows into claims, and give the replay what came before for those new in it."""
        captures = (
            _captures([row for row in rows if row.capture_id]) if replay.chooses_again else {}
        )
        people = _people(rows, captures)
        referees = {row.referee_id for row in rows}
        self._introduce_referees(referees - replay.received.keys(), replay)
        owners = {capture.code.owner_id for held in captures.values() for capture in held}
        referrers = owners | {row.referrer_id for row in rows if row.referrer_id}
        self._introduce_referrers(referrers - replay.referrers.keys(), replay)
        made = _attributions([row.attribution_id for row in rows if row.attribution_id])
        events = _event_times(referees, replay.terms)
        near, invited = _ties(rows, captures)
        for row in rows:
            yield PastClaim(
                at=row.at,
                referee=people[row.referee_id],
                referrer=people[row.referrer_id] if row.referrer_id else None,
                code=row.code,
                capture_id=row.capture_id,
                terms=self.terms_then.by_id[row.terms_id] if row.terms_id else None,
                outcome=row.outcome,
                refusal=row.refusal,
                was_judged=row.was_judged,
                stopped=_evaluations(row.stopped),
                attribution=made[row.attribution_id] if row.attribution_id else None,
                captures=captures.get(row.referee_id, ()),
                qualifying_event_at=events.get(row.referee_id),
                near=frozenset(near[row.referee_id]),
                invited_by_referee=frozenset(invited[row.referee_id]),
            )

    def _introduce_referees(self, ids: set[int], replay: Replay) -> None:
        for referee_id, referrer_id, made_at, ended_at in self._spans("referee_id", ids):
            replay.received[referee_id].append(Span(referrer_id, made_at, ended_at))
        for id_ in ids:
            replay.received[id_]  # known now, though empty

    def _introduce_referrers(self, ids: set[int], replay: Replay) -> None:
        lasting = _rows(
            "SELECT referrer_id, count(*) FROM referrals_attribution"
            " WHERE referrer_id = ANY(%(ids)s) AND claimed_at <= %(day_before)s"
            " AND status = ANY(%(live)s) GROUP BY referrer_id",
            ids=list(ids),
            day_before=self.since - DAY,
            live=LIVE,
        )
        for referrer_id, count in lasting:
            replay.referrers[referrer_id].lasting = count
        for referrer_id, _referrer, made_at, ended_at in self._spans("referrer_id", ids):
            if made_at > self.since - DAY or ended_at is not None:
                replay.referrers[referrer_id].add(Span(referrer_id, made_at, ended_at))
        for id_ in ids:
            replay.referrers[id_]

    def _spans(self, side: str, ids: Iterable[int]) -> list[tuple[Any, ...]]:
        """Return attributions from before the period, and those of its time that no claim made.

        Of a referrer only those that are not lasting: recent ones, and those that have ended.
        """
        few = (
            ""
            if side == "referee_id"
            else ("AND (a.claimed_at > %(day_before)s OR a.status <> ALL(%(live)s))")
        )
        return _rows(
            f"""
            SELECT a.{side}, a.referrer_id, {_MADE_AT}, {_ENDED_AT}
            FROM referrals_attribution a
            WHERE a.{side} = ANY(%(ids)s) AND a.claimed_at < %(until)s {few}
              AND (a.claimed_at < %(since)s OR NOT EXISTS (
                  SELECT FROM referrals_decision d WHERE d.attribution_id = a.id AND {_IS_CLAIM}))
            ORDER BY a.claimed_at
            """,
            ids=list(ids),
            since=self.since,
            until=self.until,
            day_before=self.since - DAY,
            live=LIVE,
        )


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _evaluations(found: str) -> list[Evaluation]:
    return [
        Evaluation(
            rule=e["rule"],
            verdict=Verdict(e["verdict"]),
            sentence=e.get("sentence", e["reason"]),
            refusal=e["refusal"],
            values=e.get("values", {}),
        )
        for e in json.loads(found)
    ]


def _people(rows: list[_Row], captures: dict[int, list[PastCapture]]) -> dict[int, User]:
    ids = {id_ for row in rows for id_ in (row.referee_id, row.referrer_id) if id_}
    known = User.objects.only(
        "clerk_id", "username", "email", "first_name", "account_created_at", "banned_at",
        "deleted_at",
    )  # fmt: skip
    return {user.pk: user for user in known.filter(pk__in=ids)}


def _captures(rows: list[_Row]) -> dict[int, list[PastCapture]]:
    """Return what each claimer has ever held, and what had expired before they could adopt it."""
    ids = {row.referee_id for row in rows}
    theirs = Q(user__in=ids) | Q(
        user__isnull=True, closed_at__isnull=True, browser_session__adopted_by__in=ids
    )
    found: Any = (
        Capture.objects.filter(theirs)
        .annotate(
            holder=Coalesce("user_id", "browser_session__adopted_by_id"),
            theirs_since=Coalesce("adopted_at", "browser_session__adopted_at", "first_opened_at"),
        )
        .exclude(code__owner=F("holder"))
        .select_related("code__owner", "code__program")
    )
    held: dict[int, list[PastCapture]] = defaultdict(list)
    for row in found:
        held[row.holder].append(
            PastCapture(
                pk=row.pk,
                code=row.code,
                first_opened_at=row.first_opened_at,
                opened_at=row.opened_at,
                expires_at=row.expires_at,
                theirs_since=row.theirs_since,
                closed_at=row.closed_at,
                closed_reason=row.closed_reason,
            )
        )
    return held


def _attributions(ids: list[UUID]) -> dict[UUID, PastAttribution]:
    late = {
        attribution_id: LateDecision(at, outcome, _evaluations(stopped))
        for attribution_id, at, outcome, stopped in _rows(
            f"SELECT d.attribution_id, d.at, d.outcome, {_STOPPED} FROM referrals_decision d"
            f" WHERE d.attribution_id = ANY(%(ids)s) AND d.evaluations <> '[]' AND NOT {_JUDGED}"
            " ORDER BY d.id",
            ids=ids,
        )
    }
    found = _rows(
        f"""
        SELECT a.id, a.referrer_id, a.claimed_at,
               (SELECT min(t.at) FROM referrals_timelineentry t
                WHERE t.attribution_id = a.id AND t.to_status = 'pending'),
               {_ENDED_AT}, a.qualified_at, a.rewarded_at
        FROM referrals_attribution a WHERE a.id = ANY(%(ids)s)
        """,
        ids=ids,
        live=LIVE,
    )
    return {row[0]: _made(row, late.get(row[0])) for row in found}


def _made(row: tuple[Any, ...], late: LateDecision | None) -> PastAttribution:
    _pk, referrer_id, claimed_at, accepted_at, ended_at, qualified_at, rewarded_at = row
    return PastAttribution(
        referrer_id, claimed_at, accepted_at, ended_at, qualified_at, rewarded_at, late
    )


def _event_times(referees: set[int], terms: ProgramTerms) -> dict[int, datetime]:
    """Return when each person's event came that qualifies by `terms`."""
    found = _rows(
        """
        SELECT user_id, received_at FROM (
            SELECT user_id, received_at, row_number() OVER (PARTITION BY user_id ORDER BY id) AS n
            FROM referrals_qualifyingevent
            WHERE user_id = ANY(%(ids)s) AND type = %(type)s
        ) AS event WHERE n = %(count)s
        """,
        ids=list(referees),
        type=terms.qualifying_event_type,
        count=terms.qualifying_event_count,
    )
    return dict(found)


def _ties(
    rows: list[_Row], captures: dict[int, list[PastCapture]]
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Return, by referee, the captures' owners on a device of theirs, and those they invited.

    As devices and invitations stand now.
    """
    near: dict[int, set[int]] = defaultdict(set)
    invited: dict[int, set[int]] = defaultdict(set)
    pairs = {(id_, held.code.owner_id) for id_, several in captures.items() for held in several}
    if pairs:
        sides = {"referees": [a for a, _b in pairs], "referrers": [b for _a, b in pairs]}
        for referee_id, referrer_id in _rows(_NEAR, **sides):
            near[referee_id].add(referrer_id)
        for referee_id, referrer_id in _rows(_INVITED, live=LIVE, **sides):
            invited[referee_id].add(referrer_id)
    return near, invited


_NEAR = """
SELECT DISTINCT pair.referee, pair.referrer
FROM unnest(%(referees)s::bigint[], %(referrers)s::bigint[]) AS pair (referee, referrer)
JOIN referrals_userdevice a ON a.user_id = pair.referee
JOIN referrals_userdevice b ON b.user_id = pair.referrer AND b.device_id = a.device_id
"""

_INVITED = """
WITH RECURSIVE pair AS (
    SELECT * FROM unnest(%(referees)s::bigint[], %(referrers)s::bigint[]) AS p (referee, referrer)
), inviter (start, id) AS (
    SELECT pair.referrer, a.referrer_id
    FROM pair JOIN referrals_attribution a ON a.referee_id = pair.referrer
    WHERE a.status = ANY(%(live)s)
    UNION
    SELECT inviter.start, a.referrer_id
    FROM inviter JOIN referrals_attribution a ON a.referee_id = inviter.id
    WHERE a.status = ANY(%(live)s)
)
SELECT pair.referee, pair.referrer
FROM pair JOIN inviter ON inviter.start = pair.referrer AND inviter.id = pair.referee
"""
