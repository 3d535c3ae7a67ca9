"""Bring in codes, events and attributions of another system, whole pages of them at a time.

Nobody is paid here: what the other system paid is in the balances that it hands over.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_noop

from referrals.models import Attribution, Program, ProgramTerms, Status, TimelineEntry
from referrals.services.codes import ALPHABET, ATTEMPTS, CODE_LENGTH
from rewards.amounts import Amounts

ACTOR = "import"
SOURCE = "import"
PROGRAM = "legacy"
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)

CLAIMED = gettext_noop("Imported from the earlier app.")
QUALIFIED = gettext_noop("The earlier app had readings of the referee.")
PAID = gettext_noop("The earlier app paid the referrer; it is in the balance brought over.")
NOT_PROVEN = gettext_noop(
    "The earlier app does not say that it paid the referrer, nor that it did not. Listed for staff."
)
SETTLED_TERMS = gettext_noop(
    "For invitations that the earlier app settled: what it paid is in the balances brought over."
)
OPEN_TERMS = gettext_noop(
    "For invitations that the earlier app left open: the referrer gets what it promised."
)


@dataclass(frozen=True, slots=True)
class ImportedEvent:
    """Something that one of our users did elsewhere; no other event has its `event_id`."""

    event_id: str
    user_id: int
    occurred_at: datetime


def import_events(*, events: Sequence[ImportedEvent], type: str) -> int:
    """Keep events that happened elsewhere, with their own times; return how many were new.

    They count from now on, and bring nothing by themselves.
    """
    if not events:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_EVENTS,
            {
                "ids": [event.event_id for event in events],
                "users": [event.user_id for event in events],
                "times": [event.occurred_at for event in events],
                "type": type,
                "source": SOURCE,
            },
        )
        return int(cursor.rowcount)


_INSERT_EVENTS = """
INSERT INTO referrals_qualifyingevent
    (event_id, type, user_id, occurred_at, received_at, data, content_hash, source)
SELECT id, %(type)s, user_id, at, at, '{}', encode(sha256(convert_to(id, 'UTF8')), 'hex'),
       %(source)s
FROM unnest(%(ids)s::text[], %(users)s::bigint[], %(times)s::timestamptz[]) AS e (id, user_id, at)
ORDER BY id
ON CONFLICT (event_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class ImportedCode:
    """A code, normalised, that one of our users has invited by elsewhere."""

    owner_id: int
    code: str
    is_primary: bool
    created_at: datetime


def import_codes(*, codes: Sequence[ImportedCode]) -> None:
    """Give owners these codes, normalised ones.

    A code that somebody has already stays theirs; so does the primary code of one who has one.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_CODES,
            {
                "owners": [code.owner_id for code in codes],
                "codes": [code.code for code in codes],
                "primary": [code.is_primary for code in codes],
                "times": [code.created_at for code in codes],
            },
        )


_INSERT_CODES = """
INSERT INTO referrals_referralcode
    (program_id, owner_id, code, is_primary, is_active, created_at)
SELECT program.id, owner, code, wanted AND NOT EXISTS (
    SELECT FROM referrals_referralcode AS held
    WHERE held.owner_id = owner AND held.program_id = program.id AND held.is_primary
), true, at
FROM unnest(%(owners)s::bigint[], %(codes)s::text[], %(primary)s::boolean[],
            %(times)s::timestamptz[]) AS c (owner, code, wanted, at)
CROSS JOIN referrals_program AS program WHERE program.is_default
ORDER BY code
ON CONFLICT DO NOTHING
"""


def give_missing_codes(*, owners: Iterable[int], now: datetime) -> int:
    """Give a random primary code to each of these people who has none, as to anybody new.

    Returns to how many.
    """
    without, given = list(owners), 0
    for _attempt in range(ATTEMPTS):
        with connection.cursor() as cursor:
            cursor.execute(_WITHOUT_PRIMARY, [without])
            without = [owner for (owner,) in cursor.fetchall()]
        given = given or len(without)
        if not without:
            return given
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in without]
        import_codes(
            codes=[
                ImportedCode(owner, code, is_primary=True, created_at=now)
                for owner, code in zip(without, codes, strict=True)
            ]
        )
    raise RuntimeError(f"No free codes in {ATTEMPTS} attempts.")


_WITHOUT_PRIMARY = """
SELECT owner FROM unnest(%s::bigint[]) AS owner
WHERE NOT EXISTS (
    SELECT FROM referrals_referralcode AS code JOIN referrals_program AS program
        ON program.id = code.program_id AND program.is_default
    WHERE code.owner_id = owner AND code.is_primary
)
"""


@dataclass(frozen=True, slots=True)
class ImportedAttribution:
    """An invitation with its own times; `is_proven` if the other system says who was paid."""

    id: UUID
    referee_id: int
    referrer_id: int
    code_id: int
    claimed_at: datetime
    qualified_at: datetime | None = None
    rewarded_at: datetime | None = None
    is_proven: bool = True

    @property
    def status(self) -> Status:
        return Status.REWARDED if self.rewarded_at else Status.PENDING


def legacy_terms(*, referrer_amounts: Amounts) -> ProgramTerms:
    """Return the terms under which invitations come in: the referee was paid elsewhere.

    No amounts for what is settled, the promised ones for what is open. Their program takes no
    claims. Made at first need; the same amounts are the same version.
    """
    program, _ = Program.objects.get_or_create(
        slug=PROGRAM, defaults={"name": "Earlier app", "is_active": False}
    )
    wanted = {f"referrer_{currency}": amount for currency, amount in referrer_amounts}
    nothing = {f"referee_{currency}": 0 for currency, _ in referrer_amounts}
    found = program.terms.filter(**wanted, **nothing).order_by("version").first()
    return found or ProgramTerms.objects.create(
        program=program,
        version=program.terms.count() + 1,
        effective_from=ALWAYS,
        reason=OPEN_TERMS if referrer_amounts else SETTLED_TERMS,
        **wanted,
        **nothing,
    )


def is_imported(attribution: Attribution) -> bool:
    """Say whether an attribution, read with its terms' program, came from another system."""
    return attribution.terms.program.slug == PROGRAM


def import_attributions(
    *, attributions: Sequence[ImportedAttribution], settled: ProgramTerms, open_: ProgramTerms
) -> None:
    """Make attributions as they stood elsewhere, each with the timeline that led there.

    The caller has made sure that none of them is here, and that no referee has another.
    """
    Attribution.objects.bulk_create(
        Attribution(
            id=row.id,
            terms=settled if row.rewarded_at else open_,
            referee_id=row.referee_id,
            referrer_id=row.referrer_id,
            code_id=row.code_id,
            status=row.status,
            claimed_at=row.claimed_at,
            qualified_at=row.qualified_at,
            release_at=row.qualified_at,
            rewarded_at=row.rewarded_at,
        )
        for row in attributions
    )
    TimelineEntry.objects.bulk_create(
        entry for row in attributions for entry in _timeline(row, of=row.id)
    )


def settle_imported(
    *, attribution: Attribution, row: ImportedAttribution, settled: ProgramTerms
) -> None:
    """Bring an imported, open attribution, whose row is locked, to what was settled since.

    Its terms become those that pay nothing more: that it was paid is in the balance brought over.
    """
    attribution.terms = settled
    attribution.status = row.status
    attribution.qualified_at = attribution.release_at = row.qualified_at
    attribution.rewarded_at = row.rewarded_at
    attribution.save()
    TimelineEntry.objects.bulk_create(_timeline(row, of=attribution.pk)[1:])


def _timeline(row: ImportedAttribution, *, of: UUID) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            attribution_id=of,
            at=at,
            from_status=before,
            to_status=after,
            actor=ACTOR,
            reason=reason,
        )
        for before, after, at, reason in _steps(row)
    ]


def _steps(row: ImportedAttribution) -> list[tuple[str, Status, datetime, str]]:
    steps = [("", Status.PENDING, row.claimed_at, CLAIMED)]
    if row.qualified_at and row.rewarded_at:
        paid = PAID if row.is_proven else NOT_PROVEN
        steps += [
            (Status.PENDING, Status.QUALIFIED, row.qualified_at, QUALIFIED),
            (Status.QUALIFIED, Status.REWARDED, row.rewarded_at, paid),
        ]
    return steps
