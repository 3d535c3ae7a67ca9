"""Make new versions of a program's terms; say which version counts when.

Of the versions whose time has come, the newest one counts. So a version that waits for its time
comes into force only if no newer one has come into force before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.models import User
from referrals.models import LIVE_STATUSES, Attribution, Program, ProgramTerms
from referrals.services.terms_in_words import AMOUNTS, differences, label_of

COUNTED = 10_000
"""Attributions under a version are counted this far, and referrers above a cap."""
MUCH_MORE = 10


class TermsMadeMeanwhile(Exception):
    """Somebody else has made a version of these terms meanwhile."""

    def __init__(self, last: ProgramTerms) -> None:
        said = {"number": last.version, "maker": last.created_by or _("nobody known")}
        super().__init__(_("Meanwhile version %(number)s was made, by %(maker)s.") % said)
        self.last = last


class NothingDiffers(Exception):
    """These terms are the same as the last version."""

    sentence = gettext_noop("These terms are the same as the last version.")


class TimeHasPassed(Exception):
    """Terms take effect now or later, never in the past."""

    sentence = gettext_noop("Terms take effect now or later, never in the past.")


class State(StrEnum):
    """Whether a version counts."""

    IN_FORCE = "in force"
    WAITS = "waits"
    OVER = "over"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Tenure:
    """A version of terms, and from when until when it counts; `until` is open for the newest."""

    terms: ProgramTerms
    since: datetime
    until: datetime | None
    state: State

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


def tenures_of(*, program: Program, now: datetime) -> list[Tenure]:
    """Return every version of `program`, the newest first, with the time in which it counts."""
    versions = ProgramTerms.objects.filter(program=program).with_tenure()
    newest_first = versions.select_related("program", "created_by").order_by("-version")
    return [tenure_of(terms, now=now) for terms in newest_first]


def tenure_of(terms: ProgramTerms, *, now: datetime) -> Tenure:
    """Return when `terms`, read by `with_tenure`, count."""
    until: datetime | None = terms.superseded_at  # type: ignore[attr-defined]  # annotated
    return Tenure(terms, terms.effective_from, until, _state(terms.effective_from, until, now))


def _state(since: datetime, until: datetime | None, now: datetime) -> State:
    if until is not None and until <= since:
        return State.NEVER
    if since > now:
        return State.WAITS
    return State.IN_FORCE if until is None or until > now else State.OVER


def last_terms_of(program: Program) -> ProgramTerms | None:
    """Return the newest version of `program`, whether or not its time has come."""
    return (
        ProgramTerms.objects.filter(program=program)
        .select_related("program", "created_by")
        .order_by("-version")
        .first()
    )


def make_terms(
    *,
    draft: ProgramTerms,
    seen_version: int,
    reason: str,
    made_by: User,
    now: datetime,
) -> ProgramTerms:
    """Save `draft` as the next version of its program's terms, and return it.

    It takes effect at its `effective_from`, at once if that is None. `seen_version` is the newest
    version that whoever asks has seen (0 for none): of two who make one at the same moment, the
    second is told. Raises `TermsMadeMeanwhile`, `NothingDiffers`, `TimeHasPassed`, and Django's
    `ValidationError` for values out of range.
    """
    with transaction.atomic():
        program = Program.objects.select_for_update(no_key=True).get(pk=draft.program_id)
        last = last_terms_of(program)
        if last is not None and last.version != seen_version:
            raise TermsMadeMeanwhile(last)
        check_draft(draft, last, now=now)
        draft.version = last.version + 1 if last else 1
        draft.effective_from = draft.effective_from or now
        draft.created_at, draft.created_by, draft.reason = now, made_by, reason
        draft.full_clean()
        draft.save(force_insert=True)
    return draft


def check_draft(draft: ProgramTerms, last: ProgramTerms | None, *, now: datetime) -> None:
    """Raise what forbids `draft` as the version after `last`: `TimeHasPassed`, `NothingDiffers`.

    The same terms again make sense only to bring forward what waits.
    """
    starts = draft.effective_from or now
    if starts < now:
        raise TimeHasPassed(
            _("%(time)s has passed. Terms take effect now or later, never in the past.")
            % {"time": time_in_words(starts)}
        )
    if last and not differences(last, draft) and starts >= last.effective_from:
        raise NothingDiffers(
            _("Nothing differs from version %(number)s.") % {"number": last.version}
        )


def warnings_on(*, draft: ProgramTerms, tenures: Iterable[Tenure], now: datetime) -> list[str]:
    """Return, in sentences, what staff should look at twice before they make `draft`."""
    known = list(tenures)
    last = known[0].terms if known else None
    return [
        *_on_amounts(draft, last),
        *_on_event(draft, last),
        *_on_total_cap(draft, last),
        *_on_waiting(draft.effective_from or now, known),
    ]


def _on_amounts(draft: ProgramTerms, last: ProgramTerms | None) -> list[str]:
    if not draft.referee_amounts and not draft.referrer_amounts:
        return [_("Neither side gets anything.")]
    return [
        _("%(what)s: %(new)s is more than ten times the %(old)s of before.")
        % {
            "what": label_of(field),
            "new": f"{getattr(draft, field):,}",
            "old": f"{getattr(last, field):,}",
        }
        for field in AMOUNTS
        if last and getattr(draft, field) > MUCH_MORE * getattr(last, field) > 0
    ]


def _on_event(draft: ProgramTerms, last: ProgramTerms | None) -> list[str]:
    if last is None or draft.qualifying_event_type == last.qualifying_event_type:
        return []
    told = _("Nobody qualifies unless a back end reports “%(type)s”, spelled exactly so.")
    return [told % {"type": draft.qualifying_event_type}]


def _on_total_cap(draft: ProgramTerms, last: ProgramTerms | None) -> list[str]:
    cap = draft.total_cap
    if cap is None or (last and last.total_cap is not None and last.total_cap <= cap):
        return []
    count = _referrers_with(cap)
    if not count:
        return []
    told = ngettext(
        "%(count)s referrer has %(cap)s live attributions or more already, and can invite nobody"
        " else.",
        "%(count)s referrers have %(cap)s live attributions or more already, and can invite nobody"
        " else.",
        count,
    )
    return [told % {"count": shown_count(count), "cap": f"{cap:,}"}]


def _referrers_with(attributions: int) -> int:
    """Count the referrers who have so many live attributions, as far as `COUNTED`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM referrals_attribution WHERE status = ANY(%s)"
            " GROUP BY referrer_id HAVING count(*) >= %s LIMIT %s) AS above",
            [[str(status) for status in LIVE_STATUSES], attributions, COUNTED + 1],
        )
        return int(cursor.fetchone()[0])


def _on_waiting(starts: datetime, tenures: list[Tenure]) -> list[str]:
    said = []
    for tenure in tenures:
        names = {"number": tenure.terms.version, "time": time_in_words(tenure.since)}
        if tenure.state == State.WAITS and starts <= tenure.since:
            said.append(
                _(
                    "Version %(number)s, which waits for %(time)s, will never come into force:"
                    " this one is newer and takes effect no later."
                )
                % names
            )
        elif tenure.state == State.WAITS:
            said.append(
                _(
                    "Version %(number)s still comes into force at %(time)s, and counts until this"
                    " one takes over."
                )
                % names
            )
    return said


def attributions_under(terms: ProgramTerms) -> int:
    """Count the attributions made under a version, as far as `COUNTED` and one more."""
    return Attribution.objects.filter(terms=terms)[: COUNTED + 1].count()


def shown_count(count: int) -> str:
    """Write a count that stops at `COUNTED`."""
    return (
        f"{count:,}" if count <= COUNTED else _("more than %(count)s") % {"count": f"{COUNTED:,}"}
    )


def time_in_words(at: datetime) -> str:
    """Write a time for staff, with its zone, as the admin writes times."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local:%Z}"
