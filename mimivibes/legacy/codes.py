"""Old codes go on working, for whom they were made.

The old system found a code's owner by its row, so that even a code that an invitation left behind
led to somebody: the invited person. It still does. The primary code is the oldest that was a
person's own; whoever has none gets one, as everybody new does.
"""

from collections.abc import Iterable

from mimivibes.legacy.importing import Import
from mimivibes.legacy.models import LegacyAccount, Matter
from mimivibes.legacy.source import Row
from mimivibes.legacy.statements import CODES, WITHOUT_CODE
from referrals.models import ReferralCode
from referrals.services.imports import ImportedCode, give_missing_codes, import_codes

LENGTHS = range(4, 33)


def bring_codes(run: Import) -> None:
    """Bring every code over, page by page, then give one to whoever has none."""
    for rows in run.pages(CODES, "codes"):
        owners = user_ids(row["user_id"] for row in rows)
        with run.writing():
            usable = [row for row in rows if _is_usable(run, row, owners)]
            _bring(run, usable, owners)
    for people in run.pages(WITHOUT_CODE, "people without a code"):
        for person in people:
            run.report.note("own_code_missing", person["id"])
    _fill_in(run)


def user_ids(clerk_ids: Iterable[str]) -> dict[str, int]:
    """Return the row ids of people brought over, by Clerk id."""
    found = LegacyAccount.objects.filter(user__clerk_id__in=set(clerk_ids))
    return {str(id_): pk for id_, pk in found.values_list("user__clerk_id", "user_id")}


def _is_usable(run: Import, row: Row, owners: dict[str, int]) -> bool:
    """Say whether a code can be one here; list for staff what cannot."""
    id_, owner = row["id"], owners.get(row["user_id"])
    if row["referrer"] is not None:
        run.report.note("throwaway_code", id_)
    elif row["is_used"]:
        run.report.note("inviter_deleted", id_)
    elif row["own_place"] == 2:
        run.report.note("own_codes_several", row["user_id"])
    if not _is_code(row["normal"]):
        run.matter(Matter.Kind.CODE_UNUSABLE, id_, owner)
    elif row["place"] > 1:
        if row["user_id"] != row["first_owner"]:
            run.matter(Matter.Kind.CODE_COLLISION, id_, owner, stands_for=row["first_owner"])
        run.report.count("codes", "same as another")
    elif not row["has_owner"]:
        run.report.count("codes", "of people not brought over")
    else:
        return True
    return False


def _is_code(text: str) -> bool:
    return len(text) in LENGTHS and text.isascii() and text.isalnum()


def _bring(run: Import, rows: list[Row], owners: dict[str, int]) -> None:
    codes = [row["normal"] for row in rows]
    here = dict(ReferralCode.objects.filter(code__in=codes).values_list("code", "owner_id"))
    run.report.count("codes", "new", len(rows) - len(here))
    for row in rows:
        if row["at"] is None:
            run.report.note("time_unknown", row["id"])
        if row["normal"] not in here:
            continue
        if here[row["normal"]] == owners.get(row["user_id"]):
            run.report.count("codes", "here already")
        else:
            run.report.count("codes", "somebody else's here")
            run.matter(Matter.Kind.CODE_TAKEN, row["id"], owners.get(row["user_id"]))
    if not run.is_dry:
        import_codes(codes=[_code(run, row, owners) for row in rows if row["normal"] not in here])


def _code(run: Import, row: Row, owners: dict[str, int]) -> ImportedCode:
    return ImportedCode(
        owner_id=owners[row["user_id"]],
        code=row["normal"],
        is_primary=row["is_own"] and row["own_place"] == 1,
        created_at=row["at"] or run.now,
    )


def _fill_in(run: Import) -> None:
    """Give a code to each person who has no primary one. A dry run cannot know who they will be."""
    last = 0
    while not run.is_dry:
        run.check()
        page = LegacyAccount.objects.filter(user_id__gt=last).order_by("user_id")
        owners = list(page.values_list("user_id", flat=True)[: run.page_size])
        if not owners:
            return
        with run.writing():
            given = give_missing_codes(owners=owners, now=run.now)
            run.report.count("codes", "given to people without", given)
        last = owners[-1]
