"""What if other terms had been in force: replay a past period, and write nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from referrals.models import ProgramTerms
from referrals.services.what_if.history import Past
from referrals.services.what_if.past import TermsThen
from referrals.services.what_if.replay import Replay
from referrals.services.what_if.results import Change, Fate, Result, Tally

__all__ = ["LONGEST", "Change", "Fate", "PeriodNotAllowed", "Result", "Tally", "WhatIf", "what_if"]

LONGEST = timedelta(days=92)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Before this there was nothing to claim; and no time can be reckoned back from the year 1."""
# One process of the app server is busy with it meanwhile: about half a millisecond for each.
MOST_CLAIMS = 50_000


class PeriodNotAllowed(Exception):
    """This period cannot be replayed."""

    sentence = gettext_noop("This period cannot be replayed.")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Two columns: as it was, and as it would be; with the first people whose outcome changes.

    `cut_at` is the time of the last claim read, if there were more than could be read.
    """

    terms: ProgramTerms
    since: datetime
    until: datetime
    was: Tally
    would_be: Tally
    changed: int
    examples: list[Change]
    claims_read: int
    cut_at: datetime | None
    chose_again: bool


def what_if(
    *,
    terms: ProgramTerms,
    since: datetime,
    until: datetime,
    now: datetime,
    most_claims: int = MOST_CLAIMS,
) -> WhatIf:
    """Replay the claims from `since` until `until` as if `terms`, saved or not, had been in force.

    Runs in a transaction in which PostgreSQL refuses to write. Reads page by page; keeps in memory
    counters for each referrer and referee. Raises `PeriodNotAllowed`.
    """
    if not EARLIEST <= since < until <= now or until - since > LONGEST:
        raise PeriodNotAllowed(
            _("A period ends after it begins, not in the future, and lasts at most %(days)s days.")
            % {"days": LONGEST.days}
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        versions = list(ProgramTerms.objects.select_related("program"))
        replay = Replay(
            terms=terms,
            program=terms.program,
            in_force=TermsThen(versions),
            chooses_again=_chooses_again(terms, versions, since, until),
            now=now,
            referrer_per_hour=settings.VELOCITY_REFERRER_PER_HOUR,
        )
        taken, cut_at = Past(since, until, replay.in_force).feed(replay, most=most_claims)
    return WhatIf(
        terms=terms,
        since=since,
        until=until,
        was=replay.was,
        would_be=replay.would_be,
        changed=replay.changed,
        examples=replay.examples,
        claims_read=taken,
        cut_at=cut_at,
        chose_again=replay.chooses_again,
    )


def _chooses_again(
    terms: ProgramTerms, versions: list[ProgramTerms], since: datetime, until: datetime
) -> bool:
    """Say whether another invitation may count than did: by touch policy or by lifetime.

    If all terms by which invitations were kept and chosen said the same as these, what was recorded
    stands.
    """
    own = [v for v in versions if v.program_id == terms.program_id and v.effective_from < until]
    longest = max((v.capture_days for v in own), default=0)
    begun = since - timedelta(days=longest)
    before = [v for v in own if v.effective_from <= begun]
    concerned = [v for v in own if v.effective_from > begun]
    if before:
        concerned.append(max(before, key=lambda v: v.version))
    said = {(v.touch, v.capture_days) for v in concerned}
    return said != {(terms.touch, terms.capture_days)}
