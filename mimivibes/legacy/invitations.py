"""Attributions with their own times, and never a payment more than is due.

An invitation that the old system settled comes in as rewarded, under terms that pay nothing: what
was paid is in the balances. One that it left open comes in as pending, under terms that pay the
inviter what was promised, at the next reading. One whose referee had readings, but of whose payment
no row tells, is not guessed at: it pays nothing, and is listed for staff.
"""

from typing import Any
from uuid import UUID, uuid5

from mimivibes.legacy.codes import user_ids
from mimivibes.legacy.importing import Import
from mimivibes.legacy.models import Matter
from mimivibes.legacy.source import Row
from mimivibes.legacy.statements import INVITATIONS
from referrals.models import Attribution, ProgramTerms, ReferralCode, Status
from referrals.services.attributions import lock_people
from referrals.services.cycles import invited
from referrals.services.imports import (
    PROGRAM,
    ImportedAttribution,
    import_attributions,
    settle_imported,
)

# By it an old row always makes the same attribution, so that a second run finds it.
NAMESPACE = UUID("4f6f1c0e-5a52-4ef6-9d5c-6a0c3f1b7e21")
OBJECTIONS = {
    "self_referral": Matter.Kind.SELF_REFERRAL,
    "person_missing": Matter.Kind.PERSON_MISSING,
}


def bring_invitations(run: Import) -> None:
    """Bring attributions over, page by page, and list what contradicts itself."""
    for rows in run.pages(INVITATIONS, "invitations"):
        with run.writing():
            ids = user_ids(id_ for row in rows for id_ in (row["referee"], row["referrer"]))
            standing = [row for row in rows if _stands(run, row, ids)]
            _bring(run, standing, ids)


def _stands(run: Import, row: Row, ids: dict[str, int]) -> bool:
    """Say whether an invitation can come over; list for staff what cannot."""
    referee = ids.get(row["referee"])
    if row["came_late"]:
        run.report.note("invited_late", row["id"])
    if kind := _objection(row):
        run.report.count("invitations", "not brought over")
        run.matter(kind, row["id"], referee, referee=row["referee"], referrer=row["referrer"])
        return False
    if row["at"] is None:
        run.report.note("time_unknown", row["id"])
    return True


def _objection(row: Row) -> Matter.Kind | None:
    if row["objection"]:
        return OBJECTIONS[row["objection"]]
    if row["place"] > 1:
        return Matter.Kind.LATER_INVITATION
    return Matter.Kind.RING if row["closes_ring"] else None


def _bring(run: Import, rows: list[Row], ids: dict[str, int]) -> None:
    if not run.is_dry:
        lock_people(*(ids[row[side]] for row in rows for side in ("referee", "referrer")))
    here = _here(row["referee"] for row in rows)
    new = []
    for row in rows:
        earlier = here.get(row["referee"], [])
        if not earlier:
            new.append(row)
        elif any(a.pk == _id(row) for a in earlier):
            _again(run, row, next(a for a in earlier if a.pk == _id(row)))
        else:
            _is_attributed_here(run, row, earlier[-1])
    for row in new:
        _list_payments(run, row, ids)
    if not run.is_dry:
        _write(run, new, ids)
    else:
        for row in new:
            run.report.count("invitations", _status(row))


def _here(referees: Any) -> dict[str, list[Attribution]]:
    """Return, by Clerk id, every attribution that somebody has here, whatever its status."""
    found: dict[str, list[Attribution]] = {}
    rows = Attribution.objects.with_names().filter(referee__clerk_id__in=list(referees))
    for attribution in rows.order_by("claimed_at", "pk"):
        found.setdefault(str(attribution.referee.clerk_id), []).append(attribution)
    return found


def _id(row: Row) -> UUID:
    return uuid5(NAMESPACE, row["id"])


def _status(row: Row) -> str:
    return "rewarded" if row["paid"] or row["readings"] else "pending"


def _again(run: Import, row: Row, attribution: Attribution) -> None:
    """Look at an invitation that was brought over earlier: it may have been settled there since."""
    run.report.count("invitations", "here already")
    is_settled = attribution.status == Status.REWARDED and not attribution.terms.referrer_amounts
    if _status(row) == "pending" or is_settled:
        return
    subject, facts = row["id"], {"attribution": str(attribution.pk)}
    if Attribution.objects.filter(replaces=attribution).exists():
        # Staff moved it. If they moved it back, it goes on under the terms of what replaced it.
        run.matter(Matter.Kind.ATTRIBUTED_HERE, subject, attribution.referee_id, **facts)
    elif attribution.status == Status.PENDING:
        run.report.count("invitations", "settled there since")
        _list_payments(run, row, {row["referrer"]: attribution.referrer_id})
        if not run.is_dry:
            settle_imported(
                attribution=Attribution.objects.select_for_update(no_key=True).get(
                    pk=attribution.pk
                ),
                row=_imported(run, row, attribution.referee_id, attribution.referrer_id, 0),
                settled=run.settled_terms,
            )
    elif row["paid"] and attribution.status in {Status.QUALIFIED, Status.REWARDED}:
        run.matter(Matter.Kind.PAID_HERE_TOO, subject, attribution.referrer_id, **facts)


def _is_attributed_here(run: Import, row: Row, attribution: Attribution) -> None:
    """Leave what somebody claimed here before the import, and list it."""
    run.report.count("invitations", "attributed here before")
    run.matter(
        Matter.Kind.ATTRIBUTED_HERE,
        row["id"],
        attribution.referee_id,
        referrer_there=row["referrer"],
        attribution=str(attribution.pk),
    )


def _list_payments(run: Import, row: Row, ids: dict[str, int]) -> None:
    facts = {"referee": row["referee"], "referrer": row["referrer"], "readings": row["readings"]}
    referrer = ids.get(row["referrer"])
    if row["readings"] and not row["paid"]:
        run.matter(Matter.Kind.PAYMENT_UNPROVEN, row["id"], referrer, **facts)
    if row["paid"] > 1:
        run.matter(Matter.Kind.PAID_TWICE, row["id"], referrer, **facts, times=row["paid"])


def _write(run: Import, rows: list[Row], ids: dict[str, int]) -> None:
    codes = dict(
        ReferralCode.objects.filter(
            owner__in={ids[row["referrer"]] for row in rows},
            is_primary=True,
            program__is_default=True,
        ).values_list("owner_id", "pk")
    )
    apart = _those_that_may_close_rings(rows, ids)
    together = [row for row in rows if row["id"] not in apart]
    _make(run, together, ids, codes)
    for row in (row for row in rows if row["id"] in apart):
        people = lock_people(ids[row["referee"]], ids[row["referrer"]])
        if invited(referee=people[ids[row["referee"]]], referrer=people[ids[row["referrer"]]]):
            run.report.count("invitations", "not brought over")
            run.matter(Matter.Kind.RING, row["id"], ids[row["referee"]], referrer=row["referrer"])
        else:
            _make(run, [row], ids, codes)


def _those_that_may_close_rings(rows: list[Row], ids: dict[str, int]) -> set[str]:
    """Return invitations that could close a ring with claims, or moves by staff, made here before.

    Those of people who have invited somebody: the last of a ring to come finds all the others.
    """
    # Asked apart, each finds its answer, also that there is none, in an index.
    of_here = ProgramTerms.objects.exclude(program__slug=PROGRAM)
    made_here = Attribution.objects.filter(terms__in=of_here)
    moved_here = Attribution.objects.filter(replaces__isnull=False)
    if not made_here.exists() and not moved_here.exists():
        return set()  # rings of old rows alone have been found there
    referees = {ids[row["referee"]] for row in rows}
    inviters = set(
        Attribution.objects.filter(referrer__in=referees).values_list("referrer", flat=True)
    ) | {ids[row["referrer"]] for row in rows}
    return {row["id"] for row in rows if ids[row["referee"]] in inviters}


def _make(run: Import, rows: list[Row], ids: dict[str, int], codes: dict[int, int]) -> None:
    made = []
    for row in rows:
        referrer_id = ids[row["referrer"]]
        made.append(_imported(run, row, ids[row["referee"]], referrer_id, codes[referrer_id]))
        run.report.count("invitations", _status(row))
    import_attributions(attributions=made, settled=run.settled_terms, open_=run.open_terms)


def _imported(
    run: Import, row: Row, referee_id: int, referrer_id: int, code_id: int
) -> ImportedAttribution:
    claimed_at = min(row["at"] or run.now, run.now)
    times: dict[str, Any] = {}
    if _status(row) == "rewarded":
        did = [at for at in (row["first_reading_at"], row["paid_at"]) if at] or [claimed_at]
        qualified_at = min(max(min(did), claimed_at), run.now)
        rewarded_at = min(max(row["paid_at"] or qualified_at, qualified_at), run.now)
        times = {"qualified_at": qualified_at, "rewarded_at": rewarded_at}
    return ImportedAttribution(
        id=_id(row),
        referee_id=referee_id,
        referrer_id=referrer_id,
        code_id=code_id,
        claimed_at=claimed_at,
        is_proven=row["paid"] > 0,
        **times,
    )
